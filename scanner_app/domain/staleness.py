"""Whether a symbol's feed is late, counted in its market's trading time: no Django, no clock, no I/O.

A timeframe of a symbol is *watched* once a bar of it has come fresh, so replayed history is never stale. After a
bar has ended, the next one may take its own time (one timeframe, or the market's next session, week or month) and
a grace. What is beyond that in trading time is stale: a market that is closed makes nothing stale, and nothing
more stale. The shortest watched timeframe that is still fed decides. It is the feed's fault or lack; bars that
come late are processed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner_app.domain.timeframes import RANK, TIMEFRAMES
from scanner_app.domain.trading_hours import Hours

FRESH_FOR = 2
"""Timeframes after its end within which a bar is fresh. Given by the requirements."""

SWITCHED_OFF_AFTER = 3
"""Bars of a longer watched timeframe without one of a shorter: nobody feeds the shorter one any more."""

GRACE_SHARE = 1 / 20
"""Least grace, as a share of the timeframe: daily bars come minutes after the close, not seconds."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a symbol's data is at one moment."""

    is_stale: bool = False
    age_s: float | None = None  # since the end of the newest bar known; None: no bar yet
    stale_for_s: float = 0.0  # trading time beyond what is allowed


def is_fresh(timeframe: str, timestamp: datetime, accepted_at: datetime) -> bool:
    """Whether a bar was accepted within two timeframes of its end."""
    return accepted_at - timestamp <= (1 + FRESH_FOR) * TIMEFRAMES[timeframe]


def judge(
    newest: Mapping[str, str], watched: Sequence[str], hours: Callable[[], Hours], *, grace_s: float, now: datetime
) -> Freshness:
    """How old the data is.

    `newest` has the timestamp (ISO 8601) of the newest bar by timeframe; `hours` is asked only if something is watched.
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
    """The watched timeframes, without those that were switched off while a longer one goes on."""
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
