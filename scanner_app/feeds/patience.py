"""Waiting for what is away: pauses that grow, one line when a wait begins and one when it is over.

Clock, sleep and what is said are handed in (`Outside`), so every decision here is tested without waiting.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, TypeVar

from django.db import connections
from django.utils import timezone

from scanner_app.domain.wording import clock as written
from scanner_app.domain.wording import error_line, span
from scanner_app.workers.outages import OUTAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

Result = TypeVar("Result")

PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses between the tries, the last one without an end: a restart takes seconds, an outage may take a night."""

FIRST_ANSWER_WITHIN_S: Final = 60.0
"""A database that has not answered once in this time is no restart, but a wrong address, name or password."""

HOPELESS: Final = ("SQLITE_ERROR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_AUTH", "SQLITE_PERM")
"""How SQLite's names of errors begin that no waiting mends: a missing table, a file that may not be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a replay needs of the world. The tests hand in a world of their own."""

    now: Callable[[], datetime] = timezone.now
    clock: Callable[[], float] = time.monotonic  # in seconds
    sleep: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = lambda _sentence: None  # to the user, on standard error
    whole: Callable[[], AbstractContextManager[object]] = nullcontext  # within it no signal stops the replay
    renew: Callable[[], None] = connections.close_all  # the next statement has a connection that is fresh


class Notice:
    """Says that a wait begins, and that it is over; once each, however often it is tried in between."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._began: float | None = None  # None while nothing is waited for
        self._latest = 0.0

    def waits(self, what: str) -> None:
        """Note that `what` is still waited for."""
        self._latest = self._outside.clock()
        if self._began is None:
            self._began = self._latest
            self._outside.say(f"Waits since {written(self._outside.now())} for {what}")

    def over(self, what: str, *, calm_s: float = 0.0) -> None:
        """Note that there is nothing to wait for; said once that has been so for `calm_s` seconds."""
        clock = self._outside.clock()
        if self._began is not None and clock - self._latest >= calm_s:
            waited = span(clock - self._began)
            self._began = None
            self._outside.say(f"Goes on at {written(self._outside.now())}, after {waited}: {what}")


class Patience:
    """Does what needs the database, however long that is away."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.waited_s = 0.0  # for the database, in all: failed tries and the pauses after them
        self._answered = False
        self._notice = Notice(outside)

    def call(self, attempt: Callable[[], Result]) -> Result:
        """Return what `attempt` returns, which is called again until the database answers it.

        Raises the database's error if waiting cannot mend it: the database refuses the statement itself, or has
        not answered once within FIRST_ANSWER_WITHIN_S.
        """
        began = not_counted = self.outside.clock()
        pauses = growing()
        while True:
            try:
                with self.outside.whole():
                    result = attempt()
            except OUTAGES as exc:
                waited_s = self.outside.clock() - began
                if _hopeless(exc) or not (self._answered or waited_s < FIRST_ANSWER_WITHIN_S):
                    raise
                reason = error_line(type(exc).__name__, str(exc))
                self._notice.waits(f"the database: {reason}")
                self.outside.sleep(next(pauses))
                self.outside.renew()
                now = self.outside.clock()
                self.waited_s += now - not_counted
                not_counted = now
            else:
                self._answered = True
                self._notice.over("the database answers")
                return result


def growing() -> Iterator[float]:
    """The pauses between tries, in seconds, without an end."""
    return chain(PAUSES_S, repeat(PAUSES_S[-1]))


def _hopeless(exc: Exception) -> bool:
    # sqlite3 names its errors; PostgreSQL has classes of its own for these, which are no outages.
    cause = exc.__cause__
    name = getattr(cause, "sqlite_errorname", "")
    return str(name).startswith(HOPELESS)
