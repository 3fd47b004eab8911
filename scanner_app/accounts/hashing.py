"""How many passwords are hashed at once. A hash takes a core for some tenths of a second, on purpose.

Without a limit, forty clients that guess would take every thread and every core from the bars.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from scanner_app.domain.errors import TooManyGuesses
from scanner_app.telemetry import security_log

AT_ONCE = 1
"""Hashes at once, of strangers and of known users each: another core is left for what the scanner is for."""

WAITING = 5
"""Requests that may wait for their turn, each of which keeps a thread of the server busy."""

WAIT_S = 5.0
"""Longest wait for a turn. WAITING hashes take less than that on a slow machine."""

RETRY_AFTER_S = 2


class Turns:
    """Lets in AT_ONCE at once and has up to WAITING wait for their turn."""

    def __init__(self) -> None:
        self._running = BoundedSemaphore(AT_ONCE)
        self._places = BoundedSemaphore(AT_ONCE + WAITING)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Run the block when its turn comes. Raises TooManyGuesses if too many wait, or the turn does not come."""
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._running.acquire(timeout=WAIT_S):
                raise _busy()
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()


def _busy() -> TooManyGuesses:
    security_log.note_seldom("sign_ins_busy", key="", waiting=WAITING)
    return TooManyGuesses(RETRY_AFTER_S)


OF_STRANGERS = Turns()
OF_KNOWN = Turns()
"""Of users at addresses that they have signed in from: strangers who guess don't keep them waiting."""
