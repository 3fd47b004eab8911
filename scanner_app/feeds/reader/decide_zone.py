"""The zone of times that name none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, time, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from scanner_app.feeds.reader.decide_times import TimeColumn
from scanner_app.feeds.reader.errors import Unsettled
from scanner_app.feeds.reader.file_names import NameHint
from scanner_app.feeds.reader.first_walk import Found
from scanner_app.feeds.reader.names import normalised
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.spacing import Spacing
from scanner_app.feeds.reader.table import Table
from scanner_app.feeds.reader.zones import did_you_mean, zone_named

_NEW_YORK: Final = "America/New_York"
_SESSION: Final = (time(9, 30), time(16))
_EST: Final = timezone(timedelta(hours=-5), "EST")


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone, its name, and what to say of it."""

    zone: tzinfo
    name: str
    note: str = ""


def choose_zone(
    table: Table, found: Found, options: Options, hint: NameHint, spacing: Spacing, times: TimeColumn, *, lean: bool
) -> Zone:
    """Choose the zone of times that name none: the option, what the file says, what its vendor is known for, UTC.

    `lean`: the prices are those of shares by LEAN.

    Raises Unsettled for an unknown zone, and for a vendor that writes times of the user's own zone.
    """
    if options.timezone is not None:
        zone = zone_named(options.timezone)
        if zone is None:
            raise Unsettled(f"--timezone {options.timezone}: unknown time zone; {did_you_mean(options.timezone)}")
        # A day is no moment: its bar carries midnight UTC, wherever it was traded.
        return Zone(UTC, "UTC") if times.dates or spacing.all_midnight else Zone(zone, options.timezone)
    if times.zoned or times.dates or spacing.all_midnight:
        return Zone(UTC, "UTC")
    named = table.timezone or _in_header(found.columns.name(times.moments[0].place))
    if named and (zone := zone_named(named)) is not None:
        return Zone(zone, named, f"times are of {named}, as the file says")
    if hint.vendor == "HistData":
        return Zone(_EST, "EST", "times are EST without daylight saving time (UTC-5), as HistData writes them")
    if lean:
        return Zone(ZoneInfo(_NEW_YORK), _NEW_YORK, f"times are of {_NEW_YORK}, as LEAN writes those of US shares")
    if _interactive_brokers(found, times):
        return _of_tws(spacing)
    return Zone(UTC, "UTC", "times without a zone are read as UTC (--timezone says otherwise)")


def _of_tws(spacing: Spacing) -> Zone:
    """Return New York's zone where the times are just its shares' trading hours."""
    if spacing.earliest == _SESSION[0] and spacing.latest < _SESSION[1]:
        why = "because they begin at 9:30 and end before 16:00 (--timezone says otherwise)"
        return Zone(ZoneInfo(_NEW_YORK), _NEW_YORK, f"times are of {_NEW_YORK}, {why}")
    raise Unsettled(
        "Interactive Brokers writes times of the zone that TWS is set to, and the file does not name it. Say --timezone"
    )


def _interactive_brokers(found: Found, times: TimeColumn) -> bool:
    names = set(map(normalised, found.columns.names))
    return times.two_blanks or bool(names & {"wap", "average"} and names & {"count", "barcount"})


def _in_header(name: str) -> str:
    """Return the zone in a column's name: `Time (EST)`, `Gmt time`, `datetime_utc`. "" if there is none."""
    words: list[str] = re.findall(r"[A-Za-z]+(?:/[A-Za-z_]+)?(?:[+-]\d+)?", name.replace("_", " "))
    for word in words:
        if len(word) > 2 and zone_named(word) is not None:
            return word if "/" in word else word.upper()
    return ""
