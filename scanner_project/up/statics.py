"""The collected static files: made anew when their sources have changed, or when they are not what was collected."""

import hashlib
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from scanner_app import files

STAMP = "static-collected"
"""The file that says what was collected, and from what. It is written last."""


def collect(data_dir: Path) -> None:
    """Collect and compress the static files, unless they are there, unharmed, from the same sources. Raises OSError."""
    stamp, collected = data_dir / STAMP, data_dir / "static"
    sources = _sources()
    if files.read(stamp) == f"{sources} {_contents(collected)}":
        return
    stamp.unlink(missing_ok=True)
    collected.mkdir(exist_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    files.write_whole(stamp, f"{sources} {_contents(collected)}")


def _sources() -> str:
    """A hash of the sources' names, sizes and times: there are thousands, on a disk that is not ours."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            seen = Path(storage.path(path)).stat()
            digest.update(f"{storage.path(path)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _contents(folder: Path) -> str:
    """A hash of all that is in a folder: 34 MB, which takes a fifth of a second."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
