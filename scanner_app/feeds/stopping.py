"""Ctrl-C, SIGTERM and SIGHUP as an exception that does not come in the middle of something."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS: Final = tuple(
    each for name in ("SIGINT", "SIGTERM", "SIGHUP") if (each := getattr(signal, name, None)) is not None
)
"""What ends a program in a terminal, by its supervisor, or with its terminal. Windows has no SIGHUP."""


class Stopped(KeyboardInterrupt):
    """A signal has come. Libraries treat it as they treat Ctrl-C: psycopg ends its statement."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class Stopper:
    """While it is entered, the signals raise Stopped: at once, but within `whole()` only at its end.

    The second signal raises at once wherever it comes: what is in the way may hang.
    """

    def __init__(self) -> None:
        self._before: dict[int, object] = {}
        self._in_whole = False
        self._pending: int | None = None

    def __enter__(self) -> Self:
        """Handle the signals, except those that the caller's shell ignores (nohup, a job in the background)."""
        if threading.current_thread() is threading.main_thread():  # Python takes signals nowhere else
            for each in SIGNALS:
                if signal.getsignal(each) is not signal.SIG_IGN:
                    self._before[each] = signal.signal(each, self._handle)
        return self

    def __exit__(self, *_exc: object) -> None:
        """Handle the signals as before."""
        for each, handler in self._before.items():
            signal.signal(each, handler)  # type: ignore[arg-type] # it is what signal.signal() returned

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Do something to its end, then stop if a signal has come meanwhile."""
        self._in_whole = True
        try:
            yield
        finally:
            self._in_whole = False
            if self._pending is not None:
                raise Stopped(self._pending)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self._in_whole and self._pending is None:
            self._pending = signum
        else:
            raise Stopped(signum)
