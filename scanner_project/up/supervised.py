"""`python -m scanner_project.up.supervised FILE PARENT`: supervisor, which stops when its parent is killed.

Its logs are written by `SturdyLog`: a full or read-only disk costs lines of the logs, and nothing else. Supervisor's
own handlers write a traceback to standard error for each line that they can't write, and when they can't turn a file
over, supervisor reads nothing more from that program, which then waits for ever at its next line.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from supervisor import loggers, supervisord

from scanner_project.up import forking

PR_SET_PDEATHSIG = 1
"""Linux: the signal that a process gets when its parent ends (prctl(2))."""


class SturdyLog(loggers.Handler):  # type: ignore[misc] # supervisor has no types
    """A log that is turned over at a size. What can't be written is lost; nothing is raised and nothing waits."""

    def __init__(self, filename: str, mode: str = "ab", maxBytes: int = 0, backupCount: int = 0) -> None:  # noqa: ARG002, N803 - supervisor's
        """Open the file, or later, if that is not possible now."""
        super().__init__()
        self.file, self.most, self.backups = Path(filename), maxBytes, backupCount
        self.stream: Any = None  # an unbuffered file; None: not open
        self.lost = 0  # bytes
        self.reopen()

    def emit(self, record: Any) -> None:
        """Write a record."""
        text = record.msg if self.fmt == "%(message)s" else self.fmt % record.asdict()
        data = text if isinstance(text, bytes) else str(text).encode(errors="backslashreplace")
        if self.stream is None:
            self.reopen()
        try:
            if self.stream is None:
                raise OSError
            if self.lost:
                self._write(b'\n{"event": "log_lost", "bytes": %d}\n' % self.lost)
                self.lost = 0
            self._write(data)
            if self.most and self.stream.tell() >= self.most:
                self._turn_over()
        except OSError:
            self.lost += len(data)
            self.close()

    def reopen(self) -> None:
        """Open the file anew."""
        self.close()
        with suppress(OSError):
            self.stream = self.file.open("ab", buffering=0)

    def remove(self) -> None:
        """Remove the file."""
        self.close()
        with suppress(OSError):
            self.file.unlink()

    def close(self) -> None:
        """Close the file."""
        if self.stream is not None:
            with suppress(OSError):
                self.stream.close()
        self.stream = None

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def handleError(self) -> None:  # noqa: N802 - supervisor's name
        """Do nothing: nobody reads our standard error."""

    def _write(self, data: bytes) -> None:
        if self.stream.write(data) < len(data):
            raise OSError("the disk is full")

    def _turn_over(self) -> None:
        """Begin a new file. If the old ones can't be renamed, the old one goes on growing."""
        files = [self.file, *(self.file.with_name(f"{self.file.name}.{n}") for n in range(1, self.backups + 1))]
        for newer, older in reversed(list(pairwise(files))):
            with suppress(FileNotFoundError):
                newer.replace(older)
        self.reopen()


def main(file: str, parent: int) -> None:
    """Run supervisor in the foreground; when `parent` ends, however that happens, everything is stopped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was killed before we asked for the signal
        sys.exit("`make up` has ended already")
    forking.install()
    loggers.FileHandler = loggers.RotatingFileHandler = SturdyLog
    supervisord.main(["-n", "-c", file])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
