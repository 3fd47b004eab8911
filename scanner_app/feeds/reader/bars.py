"""Last stage: rows become raw bars, as ingest takes them.

What a cell means was settled before; whether it makes a bar is ingest's business: a cell that cannot be read is
handed on as it is, so that the bar is rejected by the name of its field and its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from scanner_app.feeds.reader.columns import ticker_of
from scanner_app.feeds.reader.moments import localiser
from scanner_app.feeds.reader.numbers import is_nothing, reader, without_price
from scanner_app.feeds.reader.plan import Plan
from scanner_app.feeds.reader.spacing import MOST_SERIES
from scanner_app.feeds.reader.table import Row
from scanner_app.feeds.reader.timeframe_names import timeframe_of

Item = tuple[int, dict[str, object]]
"""A bar and the number of its row."""

_DATABENTO: Final = {"32": "1s", "33": "1m", "34": "1h", "35": "1d", "36": "1d"}
"""Databento's `rtype` of its schemas of bars."""

_SAID: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_SAID_BY_X: Final = {"true": True, "false": False}
"""What Binance's stream writes in its `x`; a column of numbers with that name is something else."""


def bars(rows: Iterator[Row], plan: Plan) -> Iterator[Item]:
    """Yield the bars of the rows, each with its row's number. Rows without any price give none.

    A bar has symbol, timeframe, timestamp (aware, UTC), open, high, low, close, volume (None: unknown) and,
    where the file says it, closed.
    """
    width, read_moment, symbol_of = _width(plan), plan.moments.read, _symbol_reader(plan)
    timeframe_of_row = _timeframe_reader(plan)
    groups = [
        (group.symbol, _GroupReader(plan, group.prices, volume))
        for group, volume in zip(plan.columns.groups, plan.volumes, strict=True)
    ]
    local = localiser(plan.zone)
    closed_at = plan.columns.closed
    said_by = _SAID_BY_X if closed_at is not None and plan.columns.name(closed_at).casefold() == "x" else _SAID
    last: dict[str, datetime] = {}
    for line, row in rows:
        if len(row) < width:
            row = [*row, *[""] * (width - len(row))]  # noqa: PLW2901 - the same row, filled up
        for own, group in groups:
            values = group.read(row)
            symbol = symbol_of(row) if own is None else own
            if values is None or (plan.only is not None and symbol != plan.only):
                continue
            moment = read_moment(row)
            if isinstance(moment, datetime):
                if moment.tzinfo is None:
                    moment = local(moment, last.get(symbol)) or moment.isoformat()
                if isinstance(moment, datetime) and (symbol in last or len(last) < MOST_SERIES):
                    last[symbol] = moment
            bar = {"symbol": symbol, "timeframe": timeframe_of_row(row), "timestamp": moment} | values
            if closed_at is not None and (said := said_by.get(str(row[closed_at]).strip().lower())) is not None:
                bar["closed"] = said
            yield line, bar


class _GroupReader:
    """Reads prices and volume of one symbol in a row."""

    def __init__(self, plan: Plan, prices: tuple[int, int, int, int], volume: int | None) -> None:
        self._open, self._high, self._low, self._close = prices
        self._volume, self._divisor, self._number = volume, plan.divisor, reader(plan.numbers)

    def read(self, row: Sequence[object]) -> dict[str, object] | None:
        """Return the prices and the volume; None where there is no price at all."""
        number = self._number
        cells = (row[self._open], row[self._high], row[self._low], row[self._close])
        first, high, low, close = map(number, cells)
        if without_price((first, high, low, close)):
            return None
        if self._divisor != 1.0:
            first, high, low, close = (
                value / self._divisor if isinstance(value, float) else value for value in (first, high, low, close)
            )
        volume = None if self._volume is None else number(row[self._volume])
        return {
            "open": cells[0] if first is None else first,
            "high": cells[1] if high is None else high,
            "low": cells[2] if low is None else low,
            "close": cells[3] if close is None else close,
            # Interactive Brokers writes -1 where it knows no volume.
            "volume": None if volume == -1 else volume,
        }


def _width(plan: Plan) -> int:
    """Return how many cells a row needs."""
    columns = plan.columns
    places = [plan.moments.place, plan.moments.clock, *plan.volumes]
    places += [columns.symbol, columns.series, columns.timeframe, columns.closed]
    places += [place for group in columns.groups for place in group.prices]
    return 1 + max(place for place in places if place is not None)


def _symbol_reader(plan: Plan) -> Callable[[Sequence[object]], str]:
    """Return how a row's symbol is found, for the groups that have none of their own."""
    place, series = plan.columns.symbol, plan.columns.series
    if place is None or (plan.symbol and plan.only is None):
        return lambda _row: plan.symbol
    if series is None:
        return lambda row: ticker_of(row[place])
    return lambda row: ticker_of(row[place], row[series])


def _timeframe_reader(plan: Plan) -> Callable[[Sequence[object]], str]:
    place, fixed, databento = plan.columns.timeframe, plan.timeframe, plan.columns.databento
    if fixed or place is None:
        return lambda _row: fixed
    return lambda row: timeframe_name(row[place], databento=databento)


def timeframe_name(cell: object, *, databento: bool = False) -> str:
    """Return the timeframe in a cell; its text where it names none."""
    text = "" if is_nothing(cell) else str(cell).strip()
    return (_DATABENTO.get(text) if databento else timeframe_of(text)) or text
