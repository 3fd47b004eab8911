"""Which version of a detector a signal comes from."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from scanner_app.detectors.loading import MAX_NAME_LENGTH

HASH_LENGTH: Final = 12
"""Hexadecimal digits of a source's hash: enough to tell the versions of one detector apart."""


def version_of(detector: object) -> str:
    """The detector's own `version`; else its package's; else a hash of its module's source; else "".

    The package's is that of the installed distribution with the name of the top package.
    """
    given: str | None = getattr(detector, "version", None)
    kind: type = type(detector)
    return _of_code(kind) if given is None else given


@cache
def _of_code(detector: type) -> str:
    package = detector.__module__.partition(".")[0]
    try:
        return metadata.version(package)[:MAX_NAME_LENGTH]
    except metadata.PackageNotFoundError:
        pass
    try:
        source = inspect.getsourcefile(detector)
        content = Path(source).read_bytes() if source else b""
    except (TypeError, OSError):  # made without a file
        return ""
    return hashlib.sha256(content).hexdigest()[:HASH_LENGTH] if content else ""
