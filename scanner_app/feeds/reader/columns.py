"""Sixth stage: which column holds which field, by the names in the header or by `--columns`.

A row may hold the bars of several symbols side by side (Yahoo's several tickers): then there is one group of
columns a symbol.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scanner_app.feeds.reader.errors import Unsettled, shown
from scanner_app.feeds.reader.names import NAMED_BY, PAIR, PRICES, TIMES, field_of, normalised

_JOINED = re.compile(
    r"(?P<a>.+?)[._ ](?P<b>open|high|low|close|volume)|(?P<c>open|high|low|close|volume)[._ ](?P<d>.+)", re.IGNORECASE
)

_TICKER_LABELS: Final = frozenset({"ticker", "tickers", "symbol", "symbols"})
_LABELS: Final = _TICKER_LABELS | {"price", "attributes"}
"""What pandas calls the rows of a header that are no names of columns."""

_SHARES: Final = frozenset({"EQ", "BE", ""})
"""NSE's series of the share itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The columns of one symbol's prices. `volumes` are candidates, the preferred first. `symbol` None: not theirs."""

    symbol: str | None
    open: int
    high: int
    low: int
    close: int
    volumes: tuple[int, ...] = ()

    @property
    def prices(self) -> tuple[int, int, int, int]:
        """The columns of open, high, low and close."""
        return self.open, self.high, self.low, self.close


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Places of fields in a row. `times` are candidates for the timestamp, the preferred first.

    `time_of_day` is the column to join to a date; `other_symbols` are candidates for the symbol, should `symbol` turn
    out to hold something else. `names` are what the file calls its columns.
    """

    groups: tuple[Group, ...]
    times: tuple[int, ...]
    time_of_day: int | None = None
    symbol: int | None = None
    other_symbols: tuple[int, ...] = ()
    series: int | None = None
    timeframe: int | None = None
    closed: int | None = None
    names: tuple[str, ...] = ()
    databento: bool = False

    def name(self, place: int) -> str:
        """Return what the file calls a column."""
        named = shown(self.names[place]) if place < len(self.names) else ""
        return named or f"column {place + 1}"


def ticker_of(symbol: object, series: object = None) -> str:
    """Return the ticker in a cell; NSE lists a company's bonds under its ticker, in series of their own."""
    ticker = "" if symbol is None else str(symbol).strip().lstrip("'")  # the apostrophe by which Excel keeps a text
    kind = "" if series is None else str(series).strip()
    return ticker if kind in _SHARES or not ticker else f"{ticker}-{kind}"


def find_columns(header: Sequence[Sequence[str]], given: Mapping[str, str]) -> Columns:
    """Find the fields in the rows of a header (one row mostly). Raises Unsettled naming what is missing."""
    width = max(map(len, header))
    names, symbols = _names([(*row, *[""] * (width - len(row))) for row in header])
    fields = _fields(names)
    chosen = _given(names, given)
    tickers: list[str | None] = list(dict.fromkeys(symbol for symbol in symbols if symbol)) or [None]
    if {"id", "amount", "vol", "count"} <= set(map(normalised, names)):
        # HTX's vol is turnover, its amount what was traded.
        fields["volume"] = [next(place for place, name in enumerate(names) if normalised(name) == "amount")]
    found = (_group(ticker, symbols, fields, chosen) for ticker in tickers)
    groups = tuple(group for group in found if group is not None)
    if not groups:
        raise Unsettled(_missing(names, {*fields, *chosen}))
    whole = {name: places[0] for name, places in fields.items()} | chosen
    dates, clocks = fields.get("date", []), fields.get("time", [])
    times = [*fields.get("timestamp", []), *dates, *clocks, *fields.get("index", [])]
    clock = clocks[0] if dates and clocks else None
    if (when := chosen.get("timestamp", chosen.get("date"))) is not None:
        times, clock = [when], chosen.get("time")
    return Columns(
        groups=groups,
        times=tuple(times),
        time_of_day=clock,
        symbol=whole.get("symbol"),
        other_symbols=() if "symbol" in chosen else tuple(fields.get("symbol", [])[1:]),
        series=whole.get("series"),
        timeframe=whole.get("timeframe"),
        closed=whole.get("closed"),
        names=names,
        databento={"rtype", "publisherid"} <= set(map(normalised, names)),
    )


def _group(
    ticker: str | None, symbols: Sequence[str], fields: Mapping[str, Sequence[int]], chosen: Mapping[str, int]
) -> Group | None:
    """Return the columns of one symbol's prices; None if there is not one of each."""
    own = {
        name: [place for place in fields.get(name, ()) if ticker is None or symbols[place] == ticker]
        for name in (*PRICES, "volume")
    }
    own |= {name: [chosen[name]] for name in own if name in chosen}
    if not all(own[name] for name in PRICES):
        return None
    first, high, low, close = (own[name][0] for name in PRICES)
    return Group(symbol=ticker, open=first, high=high, low=low, close=close, volumes=tuple(own["volume"]))


def _names(rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], list[str]]:
    """Return the columns' names, and the symbol that stands with each in another row of the header ("": none)."""
    best = max(rows, key=lambda row: sum(1 for cell in row if cell.strip() and field_of(cell) is not None))
    names, symbols = list(best), [""] * len(best)
    timed = bool(best[0].strip()) and (field_of(best[0]) or ("",))[0] in TIMES
    for row in rows:
        if row is best:
            continue
        # A row without a label under names that have their time already is of units, not of symbols.
        of_symbols = normalised(row[0]) in _TICKER_LABELS or not timed
        for place, cell in enumerate(map(str.strip, row)):
            if cell and _is_value(best[place]):
                if of_symbols and place and not symbols[place] and field_of(cell) is None:
                    symbols[place] = cell
            elif cell and normalised(cell) not in _LABELS:
                names[place] = cell  # pandas writes the index's name in a row of its own
    if len(rows) > 1 and normalised(names[0]) in _LABELS:
        names[0] = ""
    if not any(symbols):
        names, symbols = _joined(names)
    return tuple(names), symbols


def _is_value(name: str) -> bool:
    """Whether a name is of prices or volumes."""
    return bool(name.strip()) and (known := field_of(name)) is not None and known[0] in {*PRICES, "volume"}


def _joined(names: list[str]) -> tuple[list[str], list[str]]:
    """Part `AAPL.Open`, `Open_AAPL` and `('Open', 'AAPL')`, where no column is plainly named."""
    symbols = [""] * len(names)
    if sum(1 for name in names if (known := field_of(name)) and known[0] in PRICES) >= len(PRICES):
        return names, symbols
    parted = list(names)
    for place, name in enumerate(names):
        if pair := PAIR.fullmatch(name.strip()):
            first, second = pair[1], pair[2]
        elif joined := _JOINED.fullmatch(name.strip()):
            first, second = joined["a"] or joined["d"], joined["b"] or joined["c"]
        else:
            continue
        if field_of(first) is not None and first.strip():
            first, second = second, first
        if field_of(second) is not None:
            parted[place], symbols[place] = second, first
    whole = {symbol for symbol in symbols if symbol and symbols.count(symbol) >= len(PRICES)}
    if not whole:
        return names, [""] * len(names)
    return (
        [part if symbols[place] in whole or not symbols[place] else names[place] for place, part in enumerate(parted)],
        [symbol if symbol in whole else "" for symbol in symbols],
    )


def _fields(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the columns of each field, the preferred first."""
    ranked: dict[str, list[tuple[int, bool, int]]] = {}
    for place, name in enumerate(names):
        if (known := field_of(name)) is not None and (name.strip() or place == 0):
            ranked.setdefault(known[0], []).append((known[1], name.isupper(), place))  # Binance has `l` and `L`
    return {name: [place for _, _, place in sorted(each)] for name, each in ranked.items()}


def _given(names: Sequence[str], given: Mapping[str, str]) -> dict[str, int]:
    """Turn `--columns` into places. Raises Unsettled for a name or number that is not there."""
    plain = [name.strip() for name in names]
    folded = [name.casefold() for name in plain]
    places: dict[str, int] = {}
    for name, column in given.items():
        if column in plain:
            places[name] = plain.index(column)
        elif column.casefold() in folded:
            places[name] = folded.index(column.casefold())
        elif column.isdecimal() and 1 <= int(column) <= len(names):
            places[name] = int(column) - 1
        else:
            listed = ", ".join(map(shown, plain[:40])) or "nothing"
            raise Unsettled(f"there is no column {column!r} for {name}. Columns found: {listed}")
    return places


def _missing(names: Sequence[str], fields: Collection[str]) -> str:
    missing = [name for name in PRICES if name not in fields] or list(PRICES)
    wanted = "; ".join(f"{name} (or {', '.join(NAMED_BY[name][1:4])}, ...)" for name in missing)
    listed = ", ".join(map(shown, names[:40])) or "nothing"
    return (
        f"no column for {wanted}. Columns found: {listed}. Name them with --columns, as in --columns {missing[0]}=NAME"
    )
