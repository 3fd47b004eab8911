"""From a table to the plan of reading it: two walks over its rows, and what they decide.

The first walk gathers what the cells look like (survey.py), the second how far the bars of each series are
apart (spacing.py). What stays in doubt is refused with the option that decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from scanner_app.feeds.reader.clashes import Clashes
from scanner_app.feeds.reader.columns import Columns
from scanner_app.feeds.reader.decide_bars import (
    LEAN,
    choose_divisor,
    choose_symbol,
    choose_volumes,
    leftovers,
    name_hint,
)
from scanner_app.feeds.reader.decide_timeframe import choose_timeframe
from scanner_app.feeds.reader.decide_times import ORDER_WORDS, TimeColumn, choose_time
from scanner_app.feeds.reader.decide_zone import choose_zone
from scanner_app.feeds.reader.errors import FeedError, Unsettled
from scanner_app.feeds.reader.first_walk import LONGEST, Found, walk
from scanner_app.feeds.reader.moments import MomentReader
from scanner_app.feeds.reader.names import normalised
from scanner_app.feeds.reader.numbers import NumberForm, find_form
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.plan import Plan
from scanner_app.feeds.reader.spacing import Spacing
from scanner_app.feeds.reader.table import Table

_EVEN: Final = 0.95
_UNEVEN: Final = 0.9
"""Shares of the commonest step from which, and up to which, an order of day and month counts as right and wrong."""

_YEARS: Final = 20
"""By how much the longest step of a wrong order of two-digit years is longer than that of the right one, at least."""

_FEW: Final = 3
"""Bars up to which evenness proves nothing."""


def understand(table: Table, options: Options) -> Plan:
    """Return how the table is to be read. Raises FeedError that names the option which decides what is in doubt."""
    try:
        return _plan(table, options)
    except Unsettled as exc:
        raise FeedError(f"{table.name}: {exc}") from exc


def _plan(table: Table, options: Options) -> Plan:
    hint = name_hint(table)
    found = walk(table, options, hint)
    numbers = _numbers(found, options)
    times = choose_time(found, options, hint)
    moments, spacing, why = _second_walk(table, found.columns, times)
    timeframe = choose_timeframe(table, found, options, hint, spacing, times)
    symbols = choose_symbol(table, found, options, hint, timeframe.fixed)
    volumes, volume_notes = choose_volumes(found, hint)
    divisor, scale_note = choose_divisor(table, found, hint)
    zone = choose_zone(table, found, options, hint, spacing, times, lean=divisor == LEAN)
    order_note = f"dates read as {ORDER_WORDS[moments.order]}, {why}" if moments.order and why else ""
    backwards = "newest bar first: turned round" if spacing.newest_first else ""
    said = (symbols.note, timeframe.note, order_note, zone.note, numbers.why, *volume_notes, scale_note, backwards)
    return Plan(
        columns=found.columns,
        moments=moments,
        numbers=numbers,
        volumes=volumes,
        zone=zone.zone,
        zone_name=zone.name,
        symbol=symbols.symbol,
        symbols=symbols.all,
        timeframe=timeframe.fixed,
        timeframes=timeframe.all,
        date_order=moments.order or "",
        only=symbols.only,
        divisor=divisor,
        backwards=spacing.newest_first,
        notes=tuple(note for note in (*table.notes, *found.notes, *said, *leftovers(found, table.rows_are)) if note),
    )


def _numbers(found: Found, options: Options) -> NumberForm:
    """Find how numbers are written. Raises Unsettled for a column of percentages."""
    used = [place for group in found.columns.groups for place in (*group.prices, *group.volumes)]
    for place in used:
        if percent := found.numbers[place].percent:
            name = found.columns.name(place)
            raise Unsettled(f"the column {name} holds percentages: line {percent[0]} has {percent[1]}")
    return find_form([found.numbers[place].shapes for place in used], options.decimal)


def _second_walk(table: Table, columns: Columns, times: TimeColumn) -> tuple[MomentReader, Spacing, str]:
    """Measure the steps between bars; of two possible orders of day and month choose the one that makes them even."""
    spacings = [Spacing() for _ in times.moments]
    keys = [place for place in (columns.symbol, columns.timeframe, columns.series) if place is not None]
    first = times.moments[0]
    width = 1 + max(first.place, first.clock or 0, *keys) if keys else 1 + max(first.place, first.clock or 0)
    pairs = list(zip(times.moments, spacings, strict=True))
    series: tuple[str, ...] = ()
    # Of a stream that says which bars are closed, the others are the same bar as it grew.
    prices = [place for group in columns.groups for place in group.prices]
    clashes = Clashes(prices) if columns.closed is None else None
    plain = not keys and first.clock is None
    for line, row in table.rows():
        if len(row) < width:
            continue
        if keys:
            series = tuple([str(row[place])[:LONGEST] for place in keys])
        if clashes is not None:
            cell = row[first.place]
            key = cell if plain else (series, cell, None if first.clock is None else row[first.clock])
            clashes.add(line, key, row)
        for moments, spacing in pairs:
            moment = moments.read(row)
            if isinstance(moment, datetime):
                spacing.add(series, moment if moment.tzinfo is None else moment.replace(tzinfo=None), line)
    if clashes is not None:
        clashes.check(table.rows_are)
    if len(spacings) == 1:
        return first, spacings[0], times.why
    return _better(times, spacings, columns)


def _better(times: TimeColumn, spacings: Sequence[Spacing], columns: Columns) -> tuple[MomentReader, Spacing, str]:
    """Choose between month, day and year first by the steps. Raises Unsettled if two are as good."""
    moments = times.moments
    even = [spacing.even if spacing.steps and spacing.timeframe() else 0.0 for spacing in spacings]
    best = max(range(len(even)), key=even.__getitem__)
    others = max(share for place, share in enumerate(even) if place != best)
    if even[best] >= _EVEN and others < _UNEVEN and spacings[best].bars > _FEW:
        return moments[best], spacings[best], "because that way its bars are evenly apart"
    if moments[-1].order == "ymd":
        # Days that were read as years lie years apart.
        longest = [max(spacing.steps, default=timedelta()) for spacing in spacings]
        best = min(range(len(longest)), key=longest.__getitem__)
        if all(_YEARS * longest[best] < step for place, step in enumerate(longest) if place != best):
            return moments[best], spacings[best], "because the other way its bars lie years apart"
    if "closelast" in set(map(normalised, columns.names)):
        return moments[0], spacings[0], "as Nasdaq.com writes them"
    raise Unsettled(
        "which is the day in its dates and which the month is in doubt: "
        f"{'they may also begin with the year' if times.why else 'no part is above 12'}. "
        f"Say --date-order {' or --date-order '.join(str(each.order) for each in moments)}"
    )
