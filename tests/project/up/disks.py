"""A small disk of the test's own, which can be filled up and made read-only."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

SIZE_MB = 48
"""Room for a database, the static files, logs, and the counters of all processes."""


class Disk:
    """A tmpfs. Its folder `data` is a mount of its own, since only that can be made read-only while files are open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._filler = folder / "filler"

    def mount(self) -> None:
        self.folder.mkdir()
        _mount("-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=700", "tmpfs", str(self.folder))
        self.data.mkdir(mode=0o700)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)

    def fill(self) -> None:
        """Use up the last byte."""
        self._filler.unlink(missing_ok=True)  # what was freed since the last time is filled up too
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 65536)
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x")

    def free(self) -> None:
        self._filler.unlink()

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody open a file for writing or make one. What is open stays open."""
        _mount("--bind", str(self.data), str(self.data))
        _mount("-o", "remount,ro,bind", str(self.data))
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self.data)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)
