"""How static files are stored: their names contain a hash of their content, so browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # whitenoise has no types
    """Whitenoise's storage, which here also writes the hashed names into the imports of JavaScript modules.

    Otherwise the modules would import each other by their plain names, and after an upgrade a browser could mix old
    files with new ones.
    """

    support_js_module_import_aggregation = True
