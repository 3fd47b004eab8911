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
from scanner_app.feeds.reader.names import PRICES, field_of, is_name, normalised, part_named
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.spool import RowSpool
from scanner_app.feeds.reader.table import Row, Table
from scanner_app.feeds.reader.times import form_of

MOST_TABLES: Final = 20_000
"""Arrays of bars in one document, at most."""

MOST_HELD: Final = 5_000_000
"""Values of columns that are held in memory, at most."""

MOST_KEYS: Final = 500
"""Keys of a bar, at most."""

_CONTAINERS: Final = """
* bars bar results result data values candles candle ohlc ohlcv items quotes prices price historical history list body
chart quote rows k kline klines candlesticks response payload output series indicators
"""
_WORDS: Final = frozenset(_CONTAINERS.split())
"""Keys above an array of bars that are no symbols."""

_MARKS: Final = frozenset({"*", "[]", "{}", "columns", "by time"})
"""Parts of paths that are no keys of the document."""

_NAMES: Final = ("columns", "column_names", "fields")
"""Keys of an array of columns' names beside their data: pandas and MOEX, Quandl, TWSE."""

_SPLIT: Final = frozenset({*_NAMES, "index"})

_TICKER: Final = re.compile(r"(?=.*[A-Z])[A-Z0-9.^=/:_!&@$-]{1,32}")
"""A key that may be a symbol: what names a container has small letters mostly."""

_META: Final = {
    "symbol": ("symbol", "ticker", "pair", "instrument", "productid", "instid", "datasetcode"),
    "timeframe": ("interval", "timeframe", "granularity", "datagranularity", "resolution", "period"),
    "timezone": ("timezone", "exchangetimezone", "exchangetimezonename"),
}


@dataclass(slots=True)
class _Rows:
    """The rows found at one path; `names` None where they are arrays."""

    names: list[str] | None
    spool: RowSpool = field(default_factory=RowSpool)

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
    columns: dict[tuple[str, ...], dict[str, list[Any]]] = field(default_factory=dict)
    by_column: dict[tuple[str, ...], dict[str, dict[str, Any]]] = field(default_factory=dict)
    said: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    held: int = 0

    def take(self, leaf: Leaf) -> None:
        """Sort in a part of the document."""
        match leaf.kind:
            case "meta":
                self.say(leaf.path, leaf.value)
            case "row":
                self._row(leaf)
            case "keyed":
                self._keyed(leaf)
            case "column" if leaf.key in _SPLIT or field_of(leaf.key):
                self._hold(len(leaf.value))
                # Yahoo has times and prices at different depths of one result.
                numbered = next((at for at, key in enumerate(leaf.path) if key.isdecimal()), len(leaf.path))
                self.columns.setdefault(leaf.path[: numbered + 1], {})[leaf.key] = leaf.value

    def _hold(self, values: int) -> None:
        self.held += values
        if self.held > MOST_HELD:
            raise FeedError(f"{self.name}: has more than {MOST_HELD:,} values in columns; write one object a bar")

    def say(self, path: tuple[str, ...], values: dict[str, Any]) -> None:
        """Note what plain values beside the bars, or above them, say of symbol, timeframe and zone."""
        plain = {normalised(key): value for key, value in values.items() if isinstance(value, str) and value.strip()}
        for what, keys in _META.items():
            found = next((plain[key] for key in keys if key in plain), None)
            if found is None or (path not in self.said and len(self.said) >= MOST_TABLES):
                continue
            said = self.said.setdefault(path, {})
            # Two symbols at one place are of a pair's two sides: neither is the bars'.
            said[what] = "" if what == "symbol" and said.get(what, found) != found else found.strip()

    def hint(self, path: tuple[str, ...], what: str) -> str:
        """Return what was said nearest above a path; what stands elsewhere counts if nothing else was said."""
        for depth in range(len(path), -1, -1):
            if what in (said := self.said.get(path[:depth], {})):
                return said[what]
        everywhere = {said[what] for said in self.said.values() if what in said}
        return everywhere.pop() if len(everywhere) == 1 else ""

    def rows_at(self, path: tuple[str, ...], *, named: bool) -> _Rows:
        known = self.tables.get(path)
        if known is None:
            if len(self.tables) >= MOST_TABLES:
                raise FeedError(f"{self.name}: has more than {MOST_TABLES:,} arrays of bars")
            known = self.tables[path] = _Rows([] if named else None)
        return known

    def _row(self, leaf: Leaf) -> None:
        if isinstance(leaf.value, list):
            self.rows_at((*leaf.path, "[]"), named=False).add(leaf.value)
        elif _like_a_bar(leaf.value, least=1) or leaf.path in self.tables:
            self.rows_at(leaf.path, named=True).add(leaf.value)
        else:
            self.say(leaf.path[:-1], leaf.value)

    def _keyed(self, leaf: Leaf) -> None:
        known = field_of(part_named(leaf.key)) if leaf.key else None
        if known is not None and not _like_a_bar(leaf.value) and _by_index(leaf.value):
            self._hold(len(leaf.value))
            self.by_column.setdefault(leaf.path, {})[leaf.key] = leaf.value  # pandas: columns of values by their times
        elif not _like_a_bar(leaf.value):
            self.say(leaf.path, leaf.value)
        elif form_of(leaf.key) is not None:
            self.rows_at((*leaf.path, "{}"), named=True).add(leaf.value, leaf.key)
        else:
            word = leaf.key.casefold() in _WORDS
            self.rows_at((*leaf.path, "{}"), named=True).add(leaf.value if word else {"symbol": leaf.key} | leaf.value)

    def finish(self) -> None:
        """Make tables of arrays, and objects, that are the columns of bars."""
        for path, lists in self.columns.items():
            if not _like_a_bar(lists, least=len(PRICES)):
                continue
            length = len(next(values for key, values in lists.items() if _like_a_bar({key: values}, least=1)))
            names = [key for key, values in lists.items() if len(values) == length]
            rows = self.rows_at((*path, "columns"), named=True)
            rows.names = names
            for cells in zip(*(lists[name] for name in names), strict=True):
                rows.spool.add((rows.spool.count + 1, cells))
        for path, columns in self.by_column.items():
            fields = {name: (field_of(part_named(name)) or ("",))[0] for name in columns}
            if not set(PRICES) <= set(fields.values()):
                continue
            rows = self.rows_at((*path, "by time"), named=True)
            rows.names = ["", *columns]
            index = next(values for name, values in columns.items() if fields[name] in PRICES)
            for key in index:
                rows.spool.add((rows.spool.count + 1, (key, *(values.get(key) for values in columns.values()))))


def _by_index(values: dict[str, Any]) -> bool:
    """Whether the keys of a column's values are those of pandas' index: numbers or times."""
    return form_of(next(iter(values))) is not None


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
    found.finish()
    tables = [
        _table(part, encoding.name, path, rows, found, split.get(path, ()))
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
    return bool(options.columns) or _like_a_bar(dict.fromkeys(map(part_named, rows.names)), least=1)


def _table(
    part: Part, encoding: str, path: tuple[str, ...], rows: _Rows, found: _Found, names: tuple[str, ...]
) -> Table:
    header: tuple[tuple[str, ...], ...] = ()
    skip = 0
    if rows.names is not None:
        header = (tuple(rows.names),)
    else:
        first = next(iter(rows.spool.rows()))[1]
        if names and len(names) == len(first):
            header = (names,)
        elif all(isinstance(cell, str) for cell in first) and sum(map(is_name, map(str, first))) >= len(PRICES):
            header, skip = (tuple(map(str, first)),), 1
    done = [0]

    def walk() -> Iterator[Row]:
        done[0] = 0
        for number, row in rows.spool.rows():
            done[0] += 1
            if number > skip:
                yield number, row

    symbol = _symbol(path) or found.hint(path, "symbol")
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
        timeframe=found.hint(path, "timeframe") or _timeframe(path),
        timezone=found.hint(path, "timezone"),
        rows_are="row",
    )


def _symbol(path: tuple[str, ...]) -> str:
    """Return the symbol among the keys above an array: `{"bars": {"AAPL": [...]}}`."""
    for key in reversed(path):
        word = key in _MARKS or key.casefold() in _WORDS or key.isdecimal()
        if not word:
            return key if _TICKER.fullmatch(key) else ""
    return ""


def _timeframe(path: tuple[str, ...]) -> str:
    """Return the timeframe in a key of Alpha Vantage's, such as `Time Series (5min)`."""
    for key in path:
        if match := re.search(r"Time Series \((\d+min|Daily|Weekly|Monthly)\)", key):
            return match[1]
    return ""


def _split(found: _Found) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the columns of arrays that are written apart from them, and give the rows their index.

    pandas writes `{"columns": [...], "index": [...], "data": [[...], ...]}`, MOEX the same without an index.
    """
    named: dict[tuple[str, ...], tuple[str, ...]] = {}
    for path, lists in found.columns.items():
        rows_path = (*path, "data", "*", "[]")
        rows = found.tables.get(rows_path)
        names = _names_beside(path, lists, found)
        if rows is None or not names:
            continue
        index = lists.get("index")
        if index is not None and len(index) == rows.spool.count:
            with_index = RowSpool()
            for at, (number, row) in zip(index, rows.spool.rows(), strict=True):
                with_index.add((number, (at, *row)))
            rows.spool, names = with_index, ("", *names)
        named[rows_path] = names
    return named


def _names_beside(path: tuple[str, ...], lists: dict[str, list[Any]], found: _Found) -> tuple[str, ...]:
    """Return the names of columns in an array of texts, or of pairs of texts: pandas' several symbols."""
    for key in _NAMES:
        if key in lists:
            return tuple(map(str, lists[key]))
        if (pairs := found.tables.get((*path, key, "*", "[]"))) is not None:
            return tuple(str(tuple(row)) for _, row in pairs.spool.rows())
    return ()
