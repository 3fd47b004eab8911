"""Find bars that are missing inside a series, by its market's calendar.

Gaps are not stored. A gap is found between two neighbouring bars of a series, so it is gone once a late bar fills it.
Only the last LOOK_BACK bars of each timeframe are searched, so that a list costs one short query for each timeframe.
The number of gaps, for the status, is counted by a task of the upkeep worker for symbols that have had new bars.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import F

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import Hours
from scanner_app.mailbox import gap_counts
from scanner_app.models import Bar, Symbol

LOOK_BACK = 500
"""Bars of a timeframe that are searched: two years of daily bars, or more than a session of minutes. Takes 3 ms."""

COUNT_FOR = timedelta(seconds=5)
"""A run starts no further symbol after this time. Symbols with the most new bars come first, the others next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A place where bars are missing; the names are the API's."""

    id: int  # of the bar after it
    timeframe: str
    start: datetime  # end of the bar before it
    end: datetime  # opening of the bar after it
    missing: int  # bars


def find(series: Sequence[tuple[datetime, int]], timeframe: str, hours: Hours) -> list[Gap]:
    """The gaps of a series of (timestamp, id), oldest first."""
    length = TIMEFRAMES[timeframe]
    return [
        Gap(id=bar_id, timeframe=timeframe, start=min(earlier + length, later), end=later, missing=missing)
        for (earlier, _), (later, bar_id) in pairwise(series)
        if later - earlier > length and (missing := hours.missing_between(timeframe, earlier, later))
    ]


def of_symbol(symbol: Symbol, now: datetime, timeframe: str | None = None) -> list[Gap]:
    """A symbol's gaps, newest first, of one timeframe or of all. A query for each timeframe."""
    hours = hours_of(calendar_of(symbol.ticker, symbol.calendar), now)
    wanted = [name for name in symbol.status.newest if timeframe in {None, name}]
    found = [gap for name in wanted for gap in find(_last_bars(symbol.pk, name), name, hours)]
    return sorted(found, key=lambda gap: (gap.end, gap.id), reverse=True)


def _last_bars(symbol_id: int, timeframe: str) -> list[tuple[datetime, int]]:
    bars = Bar.objects.filter(symbol_id=symbol_id, timeframe=timeframe)
    return list(bars.order_by("-timestamp").values_list("timestamp", "id")[:LOOK_BACK])[::-1]


def count(clock: Callable[[], datetime]) -> int:
    """Count the gaps of symbols that have had bars since their last count; returns for how many symbols."""
    began = clock()
    changed = (
        Symbol.objects.filter(deleted_at=None)
        .exclude(status__gaps_sequence=F("status__last_sequence"))
        .select_related("status")
        .defer("status__latencies")
        .order_by(F("status__gaps_sequence") - F("status__last_sequence"))
    )
    done = 0
    for symbol in changed:
        now = clock()
        if now - began > COUNT_FOR:
            break
        gap_counts.store(symbol.status, len(of_symbol(symbol, now)))
        done += 1
    return done
