"""Where the timestamps of bars below a day may be: on the grid of their timeframe.

The grid has the timeframe's steps from each of: midnight UTC, midnight at the exchange (by its clock, and by the time
passed since, which differ on the days when clocks change), and the last opening and reopening of a session. Where the
sessions are not known, every whole minute counts, since sessions open on whole minutes.
"""

import math
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import DAY_S, Hours

STEPS: Final[dict[str, int]] = {
    name: int(length.total_seconds()) for name, length in TIMEFRAMES.items() if length.total_seconds() < DAY_S
}
"""Length (s) of the timeframes that have a grid; each of them divides a day."""

MINUTE_S: Final = 60


def is_on_clock(timeframe: str, time: datetime) -> bool:
    """Whether the time stands on the grid from its own zone's midnight, by the clock; True for days and longer."""
    step = STEPS.get(timeframe)
    if step is None:
        return True
    return not time.microsecond and not (time.hour * 3600 + time.minute * 60 + time.second) % step


def on_the_clock_of(zone: tzinfo, time: datetime) -> datetime:
    """The time by the zone's clock; by that of UTC where Python's calendar does not reach, on its first day."""
    try:
        return time.astimezone(zone)
    except OverflowError:
        return time.astimezone(UTC)


def nearest(timeframe: str, time: datetime, *, zone: tzinfo, hours: Hours) -> tuple[datetime, datetime] | None:
    """The times on the grid before and after one that is not on it (both UTC); None if it is.

    `time` is aware, `zone` the exchange's, `hours` those of the symbol's calendar.
    """
    step = STEPS.get(timeframe)
    if step is None:
        return None
    at = time.timestamp()
    # First what most doubtful bars are: in step with a session that opens off the hour.
    starts = hours.starts_before(at)
    if any(not (at - start) % step for start in starts):
        return None
    local = on_the_clock_of(zone, time)
    if is_on_clock(timeframe, time.astimezone(UTC)) or is_on_clock(timeframe, local):
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    of_sessions = [(float(start), step) for start in starts] or [(0.0, min(step, MINUTE_S))]
    befores, afters = [], [(midnight + timedelta(days=1)).timestamp(), hours.start_after(at) or math.inf]
    for anchor, width in [(0.0, step), (midnight.timestamp(), step), *of_sessions]:  # unix s, the steps from there
        passed = (at - anchor) % width
        if not passed:
            return None
        befores.append(at - passed)
        afters.append(at - passed + width)
    return _utc(max(befores)), _utc(min(afters))


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(round(at), UTC)
