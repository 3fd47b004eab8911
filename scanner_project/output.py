"""Writing to a pipe or a terminal whose reader may have stopped reading: it must not stop us.

A pipe holds 64 KiB. After that a write waits until somebody reads, however long that is: a frozen supervisor, or a
pager that shows its first page, would stop every process that logs. Here a write waits for a moment; then the text is
lost, and counted.
"""

import logging
import os
import select
import stat
import sys
from typing import TextIO

LINE_ANEW = "\r\033[K"
"""Goes to the beginning of a terminal's line, and empties it."""

PATIENCE_S = 0.5
"""Longest wait for the reader. Once text was lost, nothing waits until there is room again."""


class Output:
    """A stream that gives up when nobody reads. It has only what logging and the terminal use: write and flush."""

    def __init__(self, file: int) -> None:
        """Write to this open file, a file descriptor that doesn't block."""
        self._file = file
        self._torn = False  # the last line was written in part
        self.lost = 0  # bytes since the last `take_lost`

    def write(self, text: str) -> None:
        """Write the text, or lose the rest of it."""
        data = text.encode("utf-8", "backslashreplace")
        rest = memoryview(b"\n" + data if self._torn else data)
        begun = len(rest)
        while rest:
            try:
                rest = rest[os.write(self._file, rest) :]
            except BlockingIOError:
                if not self.has_room(0 if self.lost else PATIENCE_S):
                    break
            except OSError:  # the reader is gone
                break
        self.lost += len(rest)
        if len(rest) < begun:
            self._torn = bool(rest)

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def take_lost(self) -> int:
        """How many bytes were lost since the last call that found some."""
        lost, self.lost = self.lost, 0
        return lost

    def has_room(self, patience_s: float) -> bool:
        """Whether something can be written within `patience_s`."""
        poll = select.poll()
        poll.register(self._file, select.POLLOUT)
        return bool(poll.poll(patience_s * 1000))


def patient(stream: TextIO, *, terminal: bool = False) -> TextIO | Output:
    """The stream as one that never waits for long, if it is a pipe (or a terminal, if `terminal`); else as it is.

    The file is opened anew: whether it blocks is a property of the open file, which other processes share with us.
    """
    try:
        file = stream.fileno()
        if stat.S_ISFIFO(os.fstat(file).st_mode) or (terminal and os.isatty(file)):
            return Output(os.open(f"/proc/self/fd/{file}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC))
    except (OSError, ValueError, TypeError):  # no such file, or a system without /proc
        pass
    return stream


class LinesHandler(logging.StreamHandler):  # type: ignore[type-arg] # the stubs' parameter is not there at run time
    """Logs to standard error, and says afterwards how much was lost."""

    def __init__(self) -> None:
        """Take standard error as it is now."""
        super().__init__(patient(sys.stderr))
        self._on_terminal = sys.stderr.isatty()

    def format(self, record: logging.LogRecord) -> str:
        """The record's line. On a terminal it replaces the line of progress that `make up` has drawn there."""
        text = super().format(record)
        return LINE_ANEW + text if self._on_terminal else text

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; after it, a line about what was lost, if there is room for one now."""
        super().emit(record)
        stream = self.stream
        if isinstance(stream, Output) and stream.lost and stream.has_room(0):
            values = (__name__, logging.WARNING, __file__, 0, "log_lost: %d bytes", (stream.take_lost(),), None)
            super().emit(logging.LogRecord(*values))
