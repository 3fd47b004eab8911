"""The first walk: the columns that may matter are surveyed, symbols and timeframes counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from scanner_app.feeds.reader.columns import Columns, find_columns, ticker_of
from scanner_app.feeds.reader.file_names import NameHint
from scanner_app.feeds.reader.layouts import WIDEST, find_layout, time_places
from scanner_app.feeds.reader.names import normalised
from scanner_app.feeds.reader.numbers import is_nothing
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.survey import BLOCK, NumberSurvey, OrderSurvey, TimeSurvey, blocks, column
from scanner_app.feeds.reader.table import Table

LONGEST: Final = 64
"""Characters of a symbol, or a timeframe, that are looked at."""

MOST_WORDS: Final = 50_000
"""Different symbols, or timeframes, that are counted."""


@dataclass(slots=True)
class Found:
    """What the first walk has gathered. The surveys are by the places of their columns."""

    columns: Columns
    times: dict[int, TimeSurvey] = field(default_factory=dict)
    numbers: dict[int, NumberSurvey] = field(default_factory=dict)
    symbols: Counter[str] = field(default_factory=Counter)
    timeframes: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    priceless: int = 0
    first_priceless: int = 0
    notes: list[str] = field(default_factory=list)


def walk(table: Table, options: Options, hint: NameHint) -> Found:
    """Walk over a table once. Raises Unsettled where its columns cannot be found."""
    if table.header:
        return _survey(table, find_columns(table.header, options.columns))
    width = _width(table)
    if options.columns:
        return _survey(table, find_columns([[""] * width], options.columns))
    return _without_header(table, width, hint)


def _width(table: Table) -> int:
    return min(WIDEST, max((len(row) for _, row in islice(table.rows(), BLOCK)), default=0))


def _survey(table: Table, columns: Columns) -> Found:
    found = Found(columns)
    width = len(columns.names)
    places = set(columns.times) or set(range(min(width, WIDEST))) - _taken(columns)
    if columns.time_of_day is not None:
        places.add(columns.time_of_day)
    found.times = {place: TimeSurvey() for place in places}
    for group in columns.groups:
        found.numbers |= {place: NumberSurvey() for place in (*group.prices, *group.volumes)}
    for lines, rows in blocks(table.rows()):
        _add(found, lines, rows)
    if (
        columns.symbol is not None
        and normalised(columns.name(columns.symbol)) == "name"
        and not _tickers(found.symbols)
    ):
        found.columns = replace(columns, symbol=None)
        found.symbols.clear()
    return found


def _tickers(words: Iterable[str]) -> bool:
    """Whether what stands in a column called name are tickers, not names of companies or numbers."""
    return all(word.upper() == word and any(map(str.isalpha, word)) for word in words)


def _taken(columns: Columns) -> set[int]:
    """Return the columns that have a meaning already, and so cannot be the time."""
    prices = {place for group in columns.groups for place in (*group.prices, *group.volumes)}
    return prices | {place for place in (columns.symbol, columns.timeframe, columns.series) if place is not None}


def _add(found: Found, lines: Sequence[int], rows: Sequence[Sequence[object]]) -> None:
    if empty := _priceless(found, rows):
        found.priceless += len(empty)
        found.first_priceless = found.first_priceless or lines[empty[0]]
        without = set(empty)
        lines = [line for at, line in enumerate(lines) if at not in without]
        rows = [row for at, row in enumerate(rows) if at not in without]
    columns = found.columns
    found.rows += len(rows)
    for place, times in found.times.items():
        times.add(lines, column(rows, place))
    for place, numbers in found.numbers.items():
        numbers.add(lines, column(rows, place))
    if columns.symbol is not None:
        kinds = [None] * len(rows) if columns.series is None else column(rows, columns.series)
        _count(found.symbols, map(ticker_of, column(rows, columns.symbol), kinds))
    if columns.timeframe is not None:
        _count(found.timeframes, column(rows, columns.timeframe))


def _count(words: Counter[str], cells: Iterable[object]) -> None:
    for word, count in Counter("" if cell is None else str(cell)[:LONGEST].strip() for cell in cells).items():
        if word and (word in words or len(words) < MOST_WORDS):
            words[word] += count


def _priceless(found: Found, rows: Sequence[Sequence[object]]) -> list[int]:
    """Return which rows have no price at all: holidays with `null`, and the lines of a footer."""
    prices = [place for group in found.columns.groups for place in group.prices]
    return [
        at
        for at, cell in enumerate(column(rows, prices[0]))
        if is_nothing(cell) and all(is_nothing(rows[at][place]) for place in prices if place < len(rows[at]))
    ]


def _without_header(table: Table, width: int, hint: NameHint) -> Found:
    times = [TimeSurvey() for _ in range(min(width, 5))]
    first = next(blocks(table.rows()), ([], []))
    for place, survey in enumerate(times):
        survey.add(first[0], column(first[1], place))
    when, clock = (0, None) if hint.day else time_places(times)
    prices = (when if clock is None else clock) + 1
    times = [TimeSurvey() for _ in times]
    numbers = [NumberSurvey() for _ in range(width)]
    order = OrderSurvey()
    symbols: Counter[str] = Counter()
    count = 0
    for lines, rows in blocks(table.rows()):
        count += len(rows)
        for place, survey in enumerate(times):
            survey.add(lines, column(rows, place))
        for place, number in enumerate(numbers):
            number.add(lines, column(rows, place))
        for row in rows:
            order.add(row[prices : prices + 4])
        if when:
            _count(symbols, column(rows, 0))
    columns, said = find_layout(width, when, clock, numbers, order)
    found = Found(columns, dict(enumerate(times)), dict(enumerate(numbers)), symbols, rows=count)
    found.notes.append(f"no header: the columns are the time, then {said}, by what they hold")
    return found
