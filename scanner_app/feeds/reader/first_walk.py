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
from scanner_app.feeds.reader.numbers import without_price
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
    other_symbols: dict[int, Counter[str]] = field(default_factory=dict)
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
    found.other_symbols = {place: Counter() for place in columns.other_symbols}
    for lines, rows in blocks(table.rows()):
        _add(found, lines, rows)
    _settle_symbol(found)
    _settle_timeframe(found)
    return found


_DOUBTFUL: Final = {"name": "", "s": "", "t": "", "market": "-"}
"""Names of columns that mean the symbol only if tickers stand there, and what all of these have in them."""


def _settle_symbol(found: Found) -> None:
    """Pass over a column that is called as a symbol's may be and holds something else."""
    for place in found.columns.other_symbols:
        if _is_symbol(found):
            return
        found.columns, found.symbols = replace(found.columns, symbol=place), found.other_symbols[place]
    if not _is_symbol(found):
        found.columns, found.symbols = replace(found.columns, symbol=None), Counter()


def _settle_timeframe(found: Found) -> None:
    """Pass over a column called i, as Binance's stream calls the interval, if it is an index."""
    place = found.columns.timeframe
    if place is None or normalised(found.columns.name(place)) != "i":
        return
    if any(map(str.isdecimal, found.timeframes)):
        found.columns = replace(found.columns, timeframe=None)
        found.timeframes.clear()


def _is_symbol(found: Found) -> bool:
    """Whether the column of the symbol holds tickers; not names of companies, numbers, exchanges."""
    place = found.columns.symbol
    if place is None or (part := _DOUBTFUL.get(normalised(found.columns.name(place)))) is None:
        return True
    return all(word.upper() == word and any(map(str.isalpha, word)) and part in word for word in found.symbols)


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
    for place, words in found.other_symbols.items():
        _count(words, column(rows, place))
    if columns.timeframe is not None:
        _count(found.timeframes, column(rows, columns.timeframe))


def _count(words: Counter[str], cells: Iterable[object]) -> None:
    for word, count in Counter("" if cell is None else str(cell)[:LONGEST].strip() for cell in cells).items():
        if word and (word in words or len(words) < MOST_WORDS):
            words[word] += count


def _priceless(found: Found, rows: Sequence[Sequence[object]]) -> list[int]:
    """Return which rows have no price at all: holidays with `null`, and the lines of a footer."""
    groups = [group.prices for group in found.columns.groups]
    first, second, *_ = groups[0]
    return [
        at
        for at, (one, other) in enumerate(zip(column(rows, first), column(rows, second), strict=True))
        # Most rows are seen to have prices by two of them.
        if not (_begins_a_number(one) and _begins_a_number(other)) and _is_priceless(rows[at], groups)
    ]


def _begins_a_number(cell: object) -> bool:
    return cell[:1].isdigit() if type(cell) is str else cell is not None and cell == cell


def _is_priceless(row: Sequence[object], groups: Sequence[tuple[int, ...]]) -> bool:
    return all(without_price([row[place] for place in prices if place < len(row)]) for prices in groups)


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
