"""Print the sessions of one calendar of exchange_calendars as JSON: `build.py NAME FIRST_DAY LAST_DAY`.

Run as a short process of its own: the package brings pandas, 100 MB and 0.6 s for every process that imports
it, and all that is kept of it are some thousand numbers.
"""

import json
import sys
from datetime import date
from typing import Any


def sessions(name: str, first: date, last: date) -> list[list[int | None]]:
    """[day's ordinal, open, close, break's start, break's end], times in unix seconds, within what is known."""
    import exchange_calendars  # noqa: PLC0415 - see above

    factory = exchange_calendars.calendar_utils.global_calendar_dispatcher
    kind = factory._calendar_factories[factory.resolve_alias(name)]  # noqa: SLF001 - no other way to the bounds
    start = max([first, *[bound.date() for bound in [kind.bound_min()] if bound is not None]])
    end = min([last, *[bound.date() for bound in [kind.bound_max()] if bound is not None]])
    schedule = exchange_calendars.get_calendar(name, start=start.isoformat(), end=end.isoformat()).schedule
    return [
        [day.toordinal(), _seconds(row.open), _seconds(row.close), _seconds(row.break_start), _seconds(row.break_end)]
        for day, row in zip(schedule.index, schedule.itertuples(), strict=True)
    ]


def _seconds(time: Any) -> int | None:
    return None if time != time else int(time.timestamp())  # NaT alone is not itself


if __name__ == "__main__":
    calendar, first_day, last_day = sys.argv[1:]
    json.dump(sessions(calendar, date.fromisoformat(first_day), date.fromisoformat(last_day)), sys.stdout)
