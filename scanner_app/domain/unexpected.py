"""Unexpected errors as values: bugs that no rule about bars, feeds or brokers would show. No clock, no I/O.

Errors of the same source and name that follow each other are one series: until QUIET passes without another one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner_app.domain.enums import ErrorSource
from scanner_app.domain.wording import clock, listed, one_line

RECENT = timedelta(minutes=5)
"""An error counts for so long after it was last met."""

QUIET = timedelta(minutes=10)
"""After so long without an error the next one begins a new series. That is also when its alert is over."""

DOWN_FOR = timedelta(seconds=90)
"""A program counts as down for so long after it was last noted as given up. It is noted at each new try of `make up`;
from one to the next supervisor starts it six times with 15 s of pauses, which takes half a minute or so."""

RESTARTS = 2
"""Fewest restarts of a program that count: one crash is what supervisor is there for."""

MOST_NAMES = 4
"""Names of other series in one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedErrors:
    """A series of errors with the same source and name."""

    source: ErrorSource
    name: str  # a program, a task, or "500 to POST /api/v1/scanner/bars"
    count: int
    began_at: datetime
    last_at: datetime
    error: str  # the last one, in one line

    def counts(self, now: datetime) -> bool:
        """Whether the series is to be told at the time `now`. A time far ahead of it is from before a clock was set."""
        if self.source is ErrorSource.RESTART and self.count < RESTARTS:
            return False
        return abs(now - self.last_at) <= (DOWN_FOR if self.source is ErrorSource.GIVEN_UP else RECENT)


def what_happened(one: UnexpectedErrors) -> str:
    """The series in a sentence without a full stop, without the error's text, which may say too much to strangers."""
    match one.source:
        case ErrorSource.WEB:
            did = f"The web answered {one.name}"
        case ErrorSource.TASK:
            did = f"Task {one.name} failed"
        case ErrorSource.RESTART:
            did = f"Program {one.name} ended and was started again"
        case ErrorSource.GIVEN_UP:
            return f"Program {one.name} could not be kept running, last tried at {clock(one.last_at)}"
    if one.count == 1:
        return f"{did} once, at {clock(one.last_at)}"
    return f"{did} {one.count:,} times since {clock(one.began_at)}, last at {clock(one.last_at)}"


def sentence(one: UnexpectedErrors) -> str:
    """The same with the error's text, and where to read more."""
    where = {
        ErrorSource.WEB: " The web server's log has the rest.",
        ErrorSource.TASK: " Its traceback is in the log of the worker that ran it.",
    }
    return f"{what_happened(one)}: {one_line(one.error).rstrip('.')}.{where.get(one.source, '')}"


def summary(series: Iterable[UnexpectedErrors]) -> str:
    """The series with the most errors in a sentence, and the names of the others. Needs at least one."""
    worst, *others = sorted(series, key=lambda one: (-one.count, one.name))
    if not others:
        return sentence(worst)
    shown = [one.name for one in others[:MOST_NAMES]]
    if len(others) > MOST_NAMES:
        shown.append(f"{len(others) - MOST_NAMES:,} more")
    return f"{sentence(worst)} The same, less often: {listed(shown)}."
