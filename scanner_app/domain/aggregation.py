"""Bars of a higher timeframe, made from those of a smaller one, the base: no Django, no clock, no I/O.

The periods of a timeframe below a day begin with the opening of a session, and its close ends the last one; where the
market never closes, sessions are days from midnight UTC. A daily bar is a session's, stamped with midnight UTC of the
day that the session is named after. A base bar belongs to the period in which it opens; one that opens before its
session, but ends in it, belongs to the first. Base bars outside of the sessions belong to no period.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from scanner_app.domain import closing
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import Hours

DAY = "1d"

Row = tuple[datetime, float, float, float, float, float | None]
"""A base bar: timestamp (aware), open, high, low, close, volume (None: unknown)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period of a higher timeframe in one calendar. All times are aware."""

    timestamp: datetime  # of its bar
    begin: datetime
    end: datetime
    first: datetime  # base bars with a timestamp from here belong to it, up to `end`, that one not included
    last_trade: datetime  # a base bar that ends then, or later, ends the period; before a break earlier than `end`
    after: datetime  # when the session before closed: a daily bar that is stamped from then on is of this session


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedBar:
    """What the base bars of a period amount to."""

    period: Period
    open: float
    high: float
    low: float
    close: float
    volume: float | None  # None if that of any base bar is unknown


def period_of(timestamp: datetime, *, base: str, timeframe: str, hours: Hours) -> Period | None:
    """The period of the timeframe that a base bar with this timestamp belongs to; None outside of the sessions."""
    at, length = timestamp.timestamp(), TIMEFRAMES[timeframe]
    found = hours.session_between(at, at + TIMEFRAMES[base].total_seconds())
    if found is None:
        return None
    session, before = found
    begin, end = _utc(session.open), _utc(session.close)
    number = max(timestamp - begin, timedelta()) // length
    if timeframe == DAY:
        stamp = datetime.combine(date.fromordinal(session.day), datetime.min.time(), UTC)
        number = 0
    else:
        begin += number * length
        stamp, end = begin, min(begin + length, end)
    first = begin if number else max(_utc(before), begin - TIMEFRAMES[base] + timedelta(microseconds=1))
    last_trade = _utc(hours.traded_until(begin.timestamp(), end.timestamp()))
    return Period(timestamp=stamp, begin=begin, end=end, first=first, last_trade=last_trade, after=_utc(before))


def ends(period: Period, timestamp: datetime, *, base: str, hours: Hours) -> bool:
    """Whether no base bar of the period can come after the one with this timestamp."""
    return closing.period_end(base, timestamp, hours) >= period.last_trade


def period_stamped(timestamp: datetime, *, base: str, timeframe: str, hours: Hours) -> Period | None:
    """The period whose bar has this timestamp; None if the calendar has none (any more)."""
    if timeframe == DAY:
        found = hours.session_between(timestamp.timestamp(), math.inf)
        if found is None:
            return None
        timestamp = _utc(found[0].open)
    return period_of(timestamp, base=base, timeframe=timeframe, hours=hours)


def day_of(timestamp: datetime, hours: Hours) -> datetime | None:
    """How a derived daily bar is stamped for the session of a daily bar with this timestamp; None if none is known."""
    found = hours.session_between(timestamp.timestamp(), math.inf)
    return None if found is None else datetime.combine(date.fromordinal(found[0].day), datetime.min.time(), UTC)


def aggregate(bars: Iterable[Row], *, base: str, timeframe: str, hours: Hours) -> list[DerivedBar]:
    """The bars of the higher timeframe that these base bars amount to. Both are oldest first."""
    groups: list[tuple[Period, list[Row]]] = []
    for bar in bars:
        if not groups or not groups[-1][0].first <= bar[0] < groups[-1][0].end:
            period = period_of(bar[0], base=base, timeframe=timeframe, hours=hours)
            if period is None:
                continue
            groups.append((period, []))
        groups[-1][1].append(bar)
    return [_derived(period, rows) for period, rows in groups]


def _derived(period: Period, rows: Sequence[Row]) -> DerivedBar:
    _, opens, highs, lows, closes, volumes = zip(*rows, strict=True)
    return DerivedBar(
        period=period, open=opens[0], high=max(highs), low=min(lows), close=closes[-1], volume=_sum(volumes)
    )


def _sum(volumes: Sequence[float | None]) -> float | None:
    """Their exact sum, rounded once: it does not depend on how often it is made again. None: unknown, or too large."""
    known = [volume for volume in volumes if volume is not None]
    if len(known) < len(volumes):
        return None
    try:
        return math.fsum(known)
    except OverflowError:
        return None


def _utc(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
