"""How static files are stored: under names with their hash, which browsers may keep for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # whitenoise has no types
    """Whitenoise's, which also writes the hashed names into the imports of JavaScript modules.

    Without that a page's modules would import each other by their plain names, and an upgrade would mix old and new.
    """

    support_js_module_import_aggregation = True
