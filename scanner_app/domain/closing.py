"""When a bar's period is over, so that the bar is closed: no Django, no clock, no I/O.

Below a day the period ends after the timeframe's length, or with the close of the bar's session if that is earlier. A
daily bar ends with the session that closes first after its timestamp, a weekly or monthly bar with the last session of
that week or month; where the market never closes these are midnights UTC. 3d are three days.

The sender may know better (an early close, a bar that goes on): what he says about the bar decides.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import BY_SESSIONS, Hours

DAY = timedelta(days=1)

SLACK = timedelta(days=3)
"""By how much a period of days, weeks or a month may end after its nominal length: a bar may be stamped before the
weekend that its session comes after, and a month may have 31 days, not its nominal 30. What is older is closed in every
calendar, so none has to be loaded for it."""

SHORTEST = {"1d": timedelta(days=1), "1w": timedelta(weeks=1), "1M": timedelta(days=28)}
"""Of a market that never closes no period is shorter. Vendors stamp its days with midnight of many zones and its weeks
with many weekdays; by the calendar alone such a bar would be closed hours or days before its end."""


def latest_end(timeframe: str, timestamp: datetime) -> datetime:
    """The end of the bar's period in the calendar that ends it last."""
    length = TIMEFRAMES[timeframe]
    return timestamp + (length if length < DAY else length + SLACK)


def period_end(timeframe: str, timestamp: datetime, hours: Hours) -> datetime:
    """When the period of the bar with this timestamp (aware) is over, in UTC.

    Outside of the known sessions the period has the timeframe's length, a month 31 days.
    """
    start, length = timestamp.timestamp(), TIMEFRAMES[timeframe]
    latest = latest_end(timeframe, timestamp)
    if length < DAY:
        return _utc(hours.traded_until(start, latest.timestamp()))
    if timeframe not in BY_SESSIONS:
        return (timestamp + length).astimezone(UTC)
    found = hours.last_close(timeframe, start)
    if found is None:
        return (timestamp + length + (DAY if timeframe == "1M" else timedelta())).astimezone(UTC)
    close, closes = _utc(found[0]), found[1]
    end = close if closes else max(close, timestamp + SHORTEST[timeframe])
    return min(end, latest).astimezone(UTC)


def is_surely_closed(timeframe: str, timestamp: datetime, said: bool | None, *, by: datetime) -> bool:
    """Whether the bar is closed at `by` whatever its calendar. `said`: see `is_closed`."""
    return latest_end(timeframe, timestamp) <= by if said is None else said


def is_closed(
    timeframe: str, timestamp: datetime, said: bool | None, *, hours: Callable[[], Hours], by: datetime
) -> bool:
    """Whether the bar with this timestamp (aware) is closed at `by`: now, and the tolerance for clocks that differ.

    `said` is what the sender says about it; None: nothing, its period decides. `hours` is called only if the answer
    depends on the calendar, because loading one takes time.
    """
    if said is not None or is_surely_closed(timeframe, timestamp, said, by=by):
        return said is not False
    return timestamp < by and period_end(timeframe, timestamp, hours()) <= by


def _utc(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
