"""Whether a symbol's feed is late, counted in its market's trading time: no Django, no clock, no I/O.

A timeframe of a symbol is *watched* once one of its bars has come fresh, so replayed history is never stale. After
a bar's end, the next bar is expected after one period (one timeframe, or the market's next session, week or month)
plus a grace time. The symbol is stale by the trading time beyond that: while its market is closed, no symbol becomes
stale or more stale. The shortest watched timeframe that is still fed decides. Staleness is about the feed only: late
bars are processed like others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner_app.domain.timeframes import RANK, TIMEFRAMES
from scanner_app.domain.trading_hours import Hours

FRESH_FOR = 2
"""A bar is fresh if it is accepted within so many timeframes after its end. Given by the requirements."""

SWITCHED_OFF_AFTER = 3
"""After so many bars of a longer watched timeframe without one of a shorter, the shorter is no longer fed."""

GRACE_SHARE = 1 / 20
"""Least grace time, as a share of the timeframe: daily bars come minutes after the close, not seconds."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a symbol's data is at one moment."""

    is_stale: bool = False
    age_s: float | None = None  # since the end of the newest bar known; None: no bar yet
    stale_for_s: float = 0.0  # trading time by which the next bar is late


def is_fresh(timeframe: str, timestamp: datetime, accepted_at: datetime) -> bool:
    """Whether a bar was accepted within FRESH_FOR timeframes after its end."""
    return accepted_at - timestamp <= (1 + FRESH_FOR) * TIMEFRAMES[timeframe]


def judge(
    newest: Mapping[str, str], watched: Sequence[str], hours: Callable[[], Hours], *, grace_s: float, now: datetime
) -> Freshness:
    """How old a symbol's data is; without bars nothing is stale and the age is None.

    `newest` has the timestamp (ISO 8601) of the newest bar by timeframe. `hours` is called only if a timeframe is
    watched, because loading a calendar takes time.
    """
    if not newest:
        return Freshness()
    times = {timeframe: datetime.fromisoformat(text) for timeframe, text in newest.items()}
    ends = max(time + TIMEFRAMES[timeframe] for timeframe, time in times.items())
    age_s = max(0.0, round((now - ends) / timedelta(seconds=1), 1))
    following = _still_fed(times, watched)
    if not following:
        return Freshness(age_s=age_s)
    shortest = min(following, key=RANK.__getitem__)
    late_s = late_for(shortest, times[shortest], hours(), grace_s=grace_s, now=now)
    return Freshness(is_stale=late_s > 0, age_s=age_s, stale_for_s=late_s)


def _still_fed(times: Mapping[str, datetime], watched: Sequence[str]) -> list[str]:
    """The watched timeframes, without those that get no more bars although a longer one does."""
    known = [timeframe for timeframe in watched if timeframe in times]

    def went_on_without(shorter: str, longer: str) -> bool:
        since = times[longer] - times[shorter]
        return RANK[longer] > RANK[shorter] and since >= SWITCHED_OFF_AFTER * TIMEFRAMES[longer]

    return [shorter for shorter in known if not any(went_on_without(shorter, longer) for longer in known)]


def late_for(timeframe: str, newest: datetime, hours: Hours, *, grace_s: float, now: datetime) -> float:
    """Trading time (s) by which the bar after `newest` is late; 0 while it is not."""
    due = hours.due_after(timeframe, newest)
    if due is None:
        return 0.0
    grace_s = max(grace_s, TIMEFRAMES[timeframe].total_seconds() * GRACE_SHARE)
    waited_s = hours.traded_between(due.end, now.timestamp())
    return max(0.0, round(waited_s - due.next_s - grace_s, 1))
