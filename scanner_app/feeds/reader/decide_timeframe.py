"""The timeframe: an option, a column, what the file or its name says, how far the bars are apart. They must agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from zoneinfo import ZoneInfo

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.feeds.reader.bars import timeframe_name
from scanner_app.feeds.reader.decide_times import TimeColumn
from scanner_app.feeds.reader.errors import Unsettled
from scanner_app.feeds.reader.file_names import NameHint
from scanner_app.feeds.reader.first_walk import Found
from scanner_app.feeds.reader.names import normalised
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.spacing import EVEN, Spacing, words
from scanner_app.feeds.reader.table import Table
from scanner_app.feeds.reader.timeframe_names import named


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The timeframe of all rows ("": each row says it), all timeframes, and what to say."""

    fixed: str
    all: tuple[str, ...]
    note: str = ""


def choose_timeframe(
    table: Table, found: Found, options: Options, hint: NameHint, spacing: Spacing, times: TimeColumn
) -> Timeframe:
    """Choose the timeframe. Raises Unsettled where nothing shows it, or where two things that do disagree."""
    by_rows = tuple(sorted({timeframe_name(word, databento=found.columns.databento) for word in found.timeframes}))
    column = "" if found.columns.timeframe is None else f"the column {found.columns.name(found.columns.timeframe)}"
    if (given := options.timeframe) is not None:
        if other := [each for each in by_rows if each != given and each in TIMEFRAMES]:
            raise Unsettled(f"--timeframe is {given}, but {column} says {other[0]}")
        return _checked(f"--timeframe is {given}", given, spacing, times)
    if by_rows and not any(each in TIMEFRAMES for each in by_rows):
        found.notes.append(f"{column} says {by_rows[0]!r}, which is no timeframe, and is passed over")
        found.columns = replace(found.columns, timeframe=None)
        by_rows = ()
    if by_rows:
        if len(by_rows) == 1 and by_rows[0] in TIMEFRAMES:
            _checked(f"{column} says {by_rows[0]}", by_rows[0], spacing, times)
        return Timeframe("", by_rows)
    said = timeframe_name(table.timeframe) if table.timeframe else ""
    if said in TIMEFRAMES:
        return _checked(f"the file says {said}", said, spacing, times, f"timeframe {said}, as the file says")
    shown = spacing.timeframe()
    if hint.timeframe in TIMEFRAMES and hint.timeframe != shown:
        note = f"timeframe {hint.timeframe}, {hint.said or 'by its name'}"
        return _checked(f"its name says {hint.timeframe}", hint.timeframe, spacing, times, note)
    if not spacing.steps and _polygon_day(found, spacing):
        return Timeframe("1d", ("1d",), "timeframe 1d, as Polygon's file of one day with a bar a ticker")
    return _by_spacing(shown, spacing, times)


def _polygon_day(found: Found, spacing: Spacing) -> bool:
    """Whether a flat file of Polygon's holds days: one bar a ticker, all at the same midnight of New York."""
    flat = any(normalised(name) == "windowstart" for name in found.columns.names)
    if not flat or not spacing.last or len(moments := {*spacing.last.values()}) > 1:
        return False
    return not moments.pop().replace(tzinfo=UTC).astimezone(ZoneInfo("America/New_York")).hour


def _by_spacing(shown: str | None, spacing: Spacing, times: TimeColumn) -> Timeframe:
    if shown is not None:
        share = "all" if spacing.even == 1 else f"{100 * spacing.even:.0f} %"
        return Timeframe(shown, (shown,), f"timeframe {shown}: {share} of its bars are {words(spacing.common)} apart")
    if not spacing.bars:
        return Timeframe("1d", ())  # a header without bars
    if not spacing.steps and (times.dates or spacing.midnight):
        return Timeframe("1d", ("1d",), "timeframe 1d, because its times are dates")
    raise Unsettled(_unknown(spacing))


def _checked(who: str, timeframe: str, spacing: Spacing, times: TimeColumn, note: str = "") -> Timeframe:
    """Return the timeframe if the times do not contradict it."""
    if against := spacing.against(timeframe, dates=times.dates):
        raise Unsettled(f"{who}, but {against}. Say --timeframe with what it really is, or mend the file")
    return Timeframe(timeframe, (timeframe,), note)


def _unknown(spacing: Spacing) -> str:
    known = ", ".join(TIMEFRAMES)
    if not spacing.steps:
        return f"has one bar a symbol, which shows no timeframe. Say --timeframe ({known})"
    if spacing.even < EVEN or named(spacing.common):
        return f"its bars lie unevenly in time, which shows no timeframe. Say --timeframe ({known})"
    return (
        f"its bars are mostly {words(spacing.common)} apart, which is no timeframe of these: {known}. "
        "If it is one of them, say --timeframe"
    )
