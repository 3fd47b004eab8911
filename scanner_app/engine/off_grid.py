"""Which of a call's bars have a timestamp that no bar of their timeframe can have.

Most bars stand on the steps from midnight UTC, which needs no calendar. Only for the others the symbols' calendars
are looked up, and only for those that are not on the exchange's clock either, their sessions.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.domain import grid
from scanner_app.domain.calendar_names import ZONES
from scanner_app.engine.validation import Rejection
from scanner_app.mailbox import NewBar
from scanner_app.models import Symbol


def rejections(bars: Sequence[tuple[int, NewBar]], now: datetime) -> dict[int, Rejection]:
    """The rejections of the bars that are off their grid, by index. Takes a query only if there may be some."""
    doubtful = defaultdict(list)
    for index, bar in bars:
        if not grid.is_on_clock(bar.timeframe, bar.timestamp):
            doubtful[bar.symbol].append((index, bar))
    if not doubtful:
        return {}
    own = dict(Symbol.objects.filter(ticker__in=doubtful).values_list("ticker", "calendar"))
    found: dict[int, Rejection] = {}
    for ticker, of_symbol in doubtful.items():
        calendar = calendar_of(ticker, own.get(ticker, ""))
        found |= _of_symbol(of_symbol, calendar, now)
    return found


def _of_symbol(bars: Sequence[tuple[int, NewBar]], calendar: str, now: datetime) -> dict[int, Rejection]:
    zone = ZoneInfo(ZONES.get(calendar, "UTC"))  # a calendar that an upgrade has removed has no sessions either
    hours = None
    found: dict[int, Rejection] = {}
    for index, bar in bars:
        if hours is None:
            if grid.is_on_clock(bar.timeframe, grid.on_the_clock_of(zone, bar.timestamp)):
                continue
            hours = hours_of(calendar, now)
        if around := grid.nearest(bar.timeframe, bar.timestamp, zone=zone, hours=hours):
            found[index] = _rejection(index, bar, around, calendar)
    return found


def _rejection(index: int, bar: NewBar, around: tuple[datetime, datetime], calendar: str) -> Rejection:
    before, after = around
    text = (
        f"timestamp {bar.timestamp.isoformat()} is no opening of a {bar.timeframe} bar of {bar.symbol} (calendar "
        f"{calendar}); the nearest ones are {before.isoformat()} and {after.isoformat()}"
    )
    return Rejection(index, "timestamp", "off_grid", text)
