"""JSON as tables: arrays of bars, objects of bars by their times or symbols, and arrays of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from scanner_app.feeds.reader.container import Part
from scanner_app.feeds.reader.encoding import LATIN_1, find_encoding
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.json_leaves import Leaf, leaves
from scanner_app.feeds.reader.names import PRICES, field_of, is_name, normalised
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.spool import RowSpool
from scanner_app.feeds.reader.table import Row, Table
from scanner_app.feeds.reader.times import form_of

MOST_TABLES: Final = 20_000
"""Arrays of bars in one document, at most."""

MOST_KEYS: Final = 500
"""Keys of a bar, at most."""

_CONTAINERS: Final = """
* bars bar results result data values candles candle ohlc ohlcv items quotes prices price historical history list body
chart quote rows klines candlesticks response payload output series indicators
"""
_WORDS: Final = frozenset(_CONTAINERS.split())
"""Keys above an array of bars that are no symbols."""

_META: Final = {
    "symbol": ("symbol", "ticker", "pair", "instrument", "productid", "instid"),
    "timeframe": ("interval", "timeframe", "granularity", "datagranularity", "resolution", "period"),
    "timezone": ("timezone", "exchangetimezone", "exchangetimezonename"),
}


@dataclass(slots=True)
class _Rows:
    """The rows found at one path; `names` None where they are arrays."""

    names: list[str] | None
    spool: RowSpool = field(default_factory=RowSpool)
    symbol: str = ""

    def add(self, value: Any, key: str | None = None) -> None:
        if self.names is None:
            self.spool.add((self.spool.count + 1, tuple(value)))
            return
        if key is not None:
            value = {"": key} | value
        cells = [value.get(name) for name in self.names]
        if len(cells) < len(value) or not value.keys() <= set(self.names):
            fresh = [name for name in value if name not in self.names][: MOST_KEYS - len(self.names)]
            self.names += fresh
            cells += [value[name] for name in fresh]
        self.spool.add((self.spool.count + 1, tuple(cells)))


@dataclass(slots=True)
class _Found:
    name: str
    tables: dict[tuple[str, ...], _Rows] = field(default_factory=dict)
    columns: dict[tuple[tuple[str, ...], str], list[Any]] = field(default_factory=dict)
    by_column: dict[str, dict[str, Any]] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)

    def take(self, leaf: Leaf) -> None:
        match leaf.kind:
            case "meta":
                self.say(leaf.value)
            case "row":
                self._row(leaf)
            case "keyed":
                self._keyed(leaf)
            case "column":
                if (leaf.path, leaf.key) in self.columns:
                    self.flush_columns()
                self.columns[leaf.path, leaf.key] = leaf.value

    def say(self, values: dict[str, Any]) -> None:
        """Note what plain values beside the bars say of symbol, timeframe and zone."""
        plain = {normalised(key): value for key, value in values.items() if isinstance(value, str) and value.strip()}
        for what, keys in _META.items():
            said = next((plain[key] for key in keys if key in plain), None)
            if said is not None:
                self.meta[what] = said.strip()

    def rows_at(self, path: tuple[str, ...], *, named: bool) -> _Rows:
        known = self.tables.get(path)
        if known is None:
            if len(self.tables) >= MOST_TABLES:
                raise FeedError(f"{self.name}: has more than {MOST_TABLES:,} arrays of bars")
            known = self.tables[path] = _Rows([] if named else None)
        return known

    def _row(self, leaf: Leaf) -> None:
        named = isinstance(leaf.value, dict)
        path = leaf.path if named else (*leaf.path, "[]")
        if named and not _like_a_bar(leaf.value):
            self.say(leaf.value)
            if path not in self.tables and _like_a_bar(leaf.value, least=1) is False:
                return
        rows = self.rows_at(path, named=named)
        rows.add(leaf.value)

    def _keyed(self, leaf: Leaf) -> None:
        known = field_of(leaf.key) if leaf.key else None
        if known is not None and (known[0] in {*PRICES, "volume"}) and len(leaf.value) > 0:
            self.by_column[leaf.key] = leaf.value  # pandas: columns of values by their times
        elif not _like_a_bar(leaf.value):
            self.say(leaf.value)
        elif form_of(leaf.key) is not None:
            self.rows_at((*leaf.path, "{}"), named=True).add(leaf.value, leaf.key)
        else:
            self.rows_at((*leaf.path, "{}"), named=True).add({"symbol": leaf.key} | leaf.value)

    def flush_columns(self) -> None:
        """Make a table of arrays that are the columns of bars."""
        lists = {key: values for (_, key), values in self.columns.items()}
        own = {
            key: values for key, values in lists.items() if (known := field_of(key)) and known[0] in {*PRICES, "volume"}
        }
        if {field_of(key)[0] for key in own} >= {*PRICES}:  # type: ignore[index]
            length = len(next(iter(own.values())))
            names = [key for key, values in lists.items() if len(values) == length]
            rows = self.rows_at(("columns", str(len(self.tables))), named=True)
            rows.names, rows.symbol = names, self.meta.get("symbol", "")
            for cells in zip(*(lists[name] for name in names), strict=True):
                rows.spool.add((rows.spool.count + 1, cells))
            self.columns.clear()


def _like_a_bar(values: dict[str, Any], *, least: int = 3) -> bool:
    fields = {known[0] for key in values if key and (known := field_of(key))}
    return len(fields & {*PRICES}) >= least


def json_tables(part: Part, options: Options) -> list[Table]:
    """Return the tables of bars in a file of JSON, one for each symbol. Raises FeedError if there are none."""
    with part.open() as file:
        encoding = find_encoding(file)
    if encoding.codec == LATIN_1:
        raise FeedError(f"{part.name}: is JSON in no encoding of Unicode: {encoding.why}")
    found = _Found(part.name)
    with part.open() as file:
        for leaf in leaves(part.name, file, encoding.codec):
            found.take(leaf)
    split = _split(found)
    found.flush_columns()
    _by_column(found)
    tables = [
        _table(part, encoding.name, path, rows, found, split)
        for path, rows in found.tables.items()
        if rows.spool.count and _is_bars(rows, options)
    ]
    if not tables:
        raise FeedError(
            f"{part.name}: its JSON holds no bars: neither objects with open, high, low and close nor arrays of a "
            "time, four prices and a volume"
        )
    return tables


def _is_bars(rows: _Rows, options: Options) -> bool:
    if rows.names is None:
        first = next(iter(rows.spool.rows()))[1]
        return len(first) >= 5
    return bool(options.columns) or _like_a_bar(dict.fromkeys(rows.names), least=1)


def _table(
    part: Part, encoding: str, path: tuple[str, ...], rows: _Rows, found: _Found, split: tuple[str, ...]
) -> Table:
    header: tuple[tuple[str, ...], ...] = ()
    skip = 0
    if rows.names is not None:
        header = (tuple(rows.names),)
    else:
        first = next(iter(rows.spool.rows()))[1]
        if split and len(split) == len(first):
            header = (split,)
        elif all(isinstance(cell, str) for cell in first) and sum(map(is_name, map(str, first))) >= len(PRICES):
            header, skip = (tuple(map(str, first)),), 1
    done = [0]

    def walk() -> Iterator[Row]:
        done[0] = 0
        for number, row in rows.spool.rows():
            done[0] += 1
            if number > skip:
                yield number, row

    symbol = rows.symbol or _symbol(path) or found.meta.get("symbol", "")
    packed = f" in {part.packing}" if part.packing else ""
    several = len(found.tables) > 1 and symbol
    return Table(
        name=f"{part.name}:{symbol}" if several else part.name,
        stems=part.stems,
        folder=part.folder,
        form=f"JSON{packed}",
        encoding=encoding,
        packed=bool(part.packing),
        header=header,
        rows=walk,
        share=lambda: done[0] / rows.spool.count,
        symbol=symbol,
        timeframe=found.meta.get("timeframe", "") or _timeframe(path),
        timezone=found.meta.get("timezone", ""),
        rows_are="row",
    )


def _symbol(path: tuple[str, ...]) -> str:
    """Return the symbol among the keys above an array: `{"bars": {"AAPL": [...]}}`."""
    for key in reversed(path):
        if key in {"[]", "{}", "*"}:
            continue
        if (
            key.casefold() in _WORDS
            or "series" in key.casefold()
            or not re.search(r"[A-Z0-9]", key)
            or path[0] == "columns"
        ):
            return ""
        return key
    return ""


def _timeframe(path: tuple[str, ...]) -> str:
    """Return the timeframe in a key of Alpha Vantage's, such as `Time Series (5min)`."""
    for key in path:
        if match := re.search(r"Time Series \((\d+min|Daily|Weekly|Monthly)\)", key):
            return match[1]
    return ""


def _split(found: _Found) -> tuple[str, ...]:
    """Take pandas' form of columns, index and data: give the rows their index, return the names of the columns."""
    named = {key: values for (path, key), values in found.columns.items() if path == ()}
    rows = found.tables.get(("data", "*", "[]"))
    if rows is None or rows.names is not None or "columns" not in named:
        return ()
    names = tuple(str(each[0] if isinstance(each, list) else each) for each in named["columns"])
    index = named.get("index")
    if index is None or len(index) != rows.spool.count:
        return names
    with_index = RowSpool()
    for at, (number, row) in zip(index, rows.spool.rows(), strict=True):
        with_index.add((number, (at, *row)))
    rows.spool = with_index
    return ("", *names)


def _by_column(found: _Found) -> None:
    """Make a table of pandas' form of columns of values by their times."""
    columns = found.by_column
    if not _like_a_bar(columns):
        return
    names = list(columns)
    rows = found.rows_at(("columns", "by time"), named=True)
    rows.names = ["", *names]
    for key in columns[names[0]]:
        rows.spool.add((rows.spool.count + 1, (key, *(columns[name].get(key) for name in names))))
