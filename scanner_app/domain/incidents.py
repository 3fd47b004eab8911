"""When failures of many symbols are one incident of one detector: values, no Django, no clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

KIND = ("detector", "error_type", "place")
"""What failures of one kind have in common: the fields of a failure and of an incident."""

WITHIN = timedelta(minutes=1)
"""Failures of one kind within this time are counted together."""

LEAST_SYMBOLS = 5
"""Fewer symbols with failures of one kind are each their own trouble. Given by the requirements."""

ONE_IN = 5
"""So is a smaller share than one in so many of the symbols that were active: one feed of bad bars, say."""

QUIET = timedelta(seconds=15)
"""An incident is told when no further symbol has failed for so long: longer than the second and third retry (2 and
4 s), after which breakers open."""

SETTLED = timedelta(seconds=10)
"""Failures are dated when they happen and committed later: those of the last seconds may not all be there."""

LONGEST_WAIT = timedelta(minutes=1)
"""It is told so long after its first untold failure at the latest."""

OVER_AFTER = timedelta(minutes=2)
"""It is over when nothing has failed for so long, and for two recovery times: symbols on hold fail once in each."""

LONGEST_RECOVERY = timedelta(hours=1)
"""The longest time between two probes of a detector."""

LASTING = timedelta(hours=1)
"""A detector that has run for so long since a probe has recovered: its next recovery time is short again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A symbol that has failed in an incident."""

    symbol_id: int
    ticker: str
    times: int
    first_at: datetime
    last_at: datetime


def is_one(symbols: int, active: int) -> bool:
    """Whether so many symbols with failures of one kind, of so many that were active, are one incident."""
    return symbols >= LEAST_SYMBOLS and symbols * ONE_IN >= active


def is_over(last_at: datetime, *, recovery: timedelta, now: datetime) -> bool:
    """Whether nothing fails any more. `recovery`: the breakers' recovery time."""
    return now >= last_at + max(OVER_AFTER, 2 * recovery)


def must_tell(untold: list[datetime], now: datetime) -> bool:
    """Whether the message is due. `untold`: when each symbol that was not told yet failed first."""
    return bool(untold) and now >= min(max(untold) + QUIET, min(untold) + LONGEST_WAIT)


def recovery_of(base: timedelta, returns: int) -> timedelta:
    """How long a detector stays off before it is probed: doubled each time that it has failed again."""
    doubled: timedelta = base * 2 ** min(returns, 20)
    return min(doubled, max(base, LONGEST_RECOVERY))


def returns_of(before: int, *, switched_on_at: datetime | None, now: datetime) -> int:
    """How often a detector that fails on many symbols has come back broken. `before`: at its last switch on.

    `switched_on_at`: None if no probe has switched it on.
    """
    if switched_on_at is None or now >= switched_on_at + LASTING:
        return 0
    return before + 1
