"""Where bars open, as live feeds reckon with it. No I/O, no clock."""

from datetime import UTC, datetime, timedelta
from typing import Final

from scanner_app.domain.timeframes import TIMEFRAMES

DAY: Final = timedelta(days=1)

MONTH: Final = "1M"


def opening(timeframe: str, moment: datetime) -> datetime:
    """The opening (UTC) of the bar that contains the moment, below a day.

    From a day on the moment itself: there bars are counted by their sessions, wherever in one it is.
    """
    length = TIMEFRAMES[timeframe]
    if length >= DAY:
        return moment
    return datetime.fromtimestamp(moment.timestamp() // length.total_seconds() * length.total_seconds(), UTC)


def beside(timeframe: str, opened: datetime, bars: int) -> datetime:
    """The opening so many bars later, or earlier: where its market was closed then, that is only near it."""
    if timeframe == MONTH:
        months = opened.year * 12 + opened.month - 1 + bars
        return opened.replace(year=months // 12, month=months % 12 + 1)
    return opened + bars * TIMEFRAMES[timeframe]
