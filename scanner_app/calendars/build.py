"""Print the sessions of one calendar of exchange_calendars as JSON: `build.py NAME FIRST_DAY LAST_DAY`.

Run as a short process of its own: the package imports pandas, which takes 100 MB and 0.6 s in each process, and all
that we need of it are some thousand numbers.
"""

import json
import sys
from datetime import date
from typing import Any


def sessions(name: str, first: date, last: date) -> list[list[int | None]]:
    """The sessions as [day's ordinal, open, close, break's start, break's end], times in unix seconds.

    Days that the package does not know are left out.
    """
    import exchange_calendars  # noqa: PLC0415 - loading.py imports this module for its path alone

    factory = exchange_calendars.calendar_utils.global_calendar_dispatcher
    kind = factory._calendar_factories[factory.resolve_alias(name)]  # noqa: SLF001 - the public API does not give the bounds
    start = max([first, *[bound.date() for bound in [kind.bound_min()] if bound is not None]])
    end = min([last, *[bound.date() for bound in [kind.bound_max()] if bound is not None]])
    schedule = exchange_calendars.get_calendar(name, start=start.isoformat(), end=end.isoformat()).schedule
    return [
        [day.toordinal(), _seconds(row.open), _seconds(row.close), _seconds(row.break_start), _seconds(row.break_end)]
        for day, row in zip(schedule.index, schedule.itertuples(), strict=True)
    ]


def _seconds(time: Any) -> int | None:
    return None if time != time else int(time.timestamp())  # only NaT, pandas' missing time, differs from itself


if __name__ == "__main__":
    calendar, first_day, last_day = sys.argv[1:]
    json.dump(sessions(calendar, date.fromisoformat(first_day), date.fromisoformat(last_day)), sys.stdout)
