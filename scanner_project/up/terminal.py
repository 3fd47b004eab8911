"""The terminal: what is written there, and the signals that end the scanner.

GNU make starts us. If it gets SIGTERM, it passes the signal on, waits for us, and then ends by that signal (status
143), whatever our exit status is. If it gets SIGINT, it waits for us without passing the signal on. So on a terminal we
take the foreground from it: Ctrl-C then reaches only us, and make sees a child that ended with status 0.
"""

import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from scanner_project import output

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

MAKES = {"make", "gmake", "gnumake"}


class Stop:
    """Whether the user has asked the scanner to stop."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked = 0  # how often
        self.interrupts = True  # whether a signal raises KeyboardInterrupt: while nothing runs yet

    def install(self) -> None:
        """Handle the signals from now on."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Python's signature
        self.asked += 1
        if self.interrupts:
            raise KeyboardInterrupt


class Screen:
    """Lines of text, and on a terminal one last line that is drawn again and again."""

    def __init__(self) -> None:
        """Write to standard output."""
        self.is_terminal = sys.stdout.isatty()
        self._out = output.patient(sys.stdout, terminal=True)  # `make up | less` must stop on Ctrl-C, too
        self._drawn = False

    def say(self, text: str) -> None:
        """Write a line."""
        self._write((output.LINE_ANEW if self._drawn else "") + text + "\n")
        self._drawn = False

    def draw(self, text: str) -> None:
        """Draw the last line again; off a terminal it is written like any other line."""
        if not self.is_terminal:
            self.say(text)
            return
        with suppress(OSError):
            text = text[: os.get_terminal_size(sys.stdout.fileno()).columns - 1]
        self._write(f"{output.LINE_ANEW}{text}")
        self._drawn = True

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the reader is gone (a closed terminal, `| head`): the scanner goes on
            self._out.write(text)
            self._out.flush()


@contextmanager
def foreground() -> Iterator[None]:
    """Take the terminal's foreground from the make that started us, and give it back at the end."""
    if not _started_by_make():
        yield
        return
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:  # no terminal: there is no Ctrl-C either
        yield
        return
    group = os.getpgrp()
    try:
        if os.tcgetpgrp(terminal) != group:  # in the background, like `make up &`
            yield
            return
        os.setpgid(0, 0)
        _set_foreground(terminal, os.getpgrp())
        signal.signal(signal.SIGTSTP, lambda *_: None)  # Ctrl-Z would stop us alone, and make would wait forever
        try:
            yield
        finally:
            _set_foreground(terminal, group)
    finally:
        os.close(terminal)


def make_was_interrupted() -> bool:
    """Whether the make that started us got a SIGINT that we did not get: it then waits for us in its handler."""
    try:
        for line in Path(f"/proc/{os.getppid()}/status").read_text().splitlines():
            if line.startswith("SigBlk:"):
                return bool(int(line.split()[1], 16) & 1 << signal.SIGINT - 1) and _started_by_make()
    except OSError:
        pass
    return False


def _set_foreground(terminal: int, group: int) -> None:
    # A background process gets SIGTTOU when it does this. With that signal blocked the call succeeds.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with suppress(OSError, termios.error):
            os.tcsetpgrp(terminal, group)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _started_by_make() -> bool:
    try:
        return Path(f"/proc/{os.getppid()}/comm").read_text().strip() in MAKES
    except OSError:
        return False
