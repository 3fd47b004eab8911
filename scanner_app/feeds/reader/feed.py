"""A file of bars, opened: how it is understood, and its bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner_app.feeds.reader.arrow_table import arrow_table
from scanner_app.feeds.reader.bars import Item, bars
from scanner_app.feeds.reader.container import Part, open_parts
from scanner_app.feeds.reader.decide_bars import name_hint
from scanner_app.feeds.reader.errors import FeedError, shown
from scanner_app.feeds.reader.json_table import json_tables
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.plan import Plan
from scanner_app.feeds.reader.spool import RowSpool
from scanner_app.feeds.reader.table import Row, Table
from scanner_app.feeds.reader.text_table import text_table
from scanner_app.feeds.reader.understand import understand


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """An opened file of bars, to be read once.

    `items` are its bars, oldest first if the file was in order, each with its line: in a text the line of the file
    (the first is 1), elsewhere the row. `share` says how much of the file has been read, 0 to 1; `table` and
    `plan` how it is understood.
    """

    name: str
    items: Iterator[Item]
    share: Callable[[], float]
    table: Table
    plan: Plan


def open_feeds(path: Path, options: Options | None = None) -> list[Feed]:
    """Open a file and understand it: one feed, or one for each file in an archive. `-` is standard input.

    The file is walked over twice before the first bar is given, so damage is found here. Raises FeedError in a
    sentence that says what is wrong and which option helps.
    """
    options = Options() if options is None else options
    tables = [table for part in open_parts(path) for table in _tables(part, options)]
    if options.symbol is not None and len(tables) > 1:
        tables = _of_symbol(path, tables, options.symbol)
    return [_feed(table, options) for table in tables]


def _of_symbol(path: Path, tables: list[Table], symbol: str) -> list[Table]:
    """Return the tables that an option's symbol is meant for: those of its name, or all if they are of one symbol."""
    named = [(table, table.symbol or name_hint(table).symbol) for table in tables]
    if same := [table for table, name in named if name.casefold() == symbol.strip().casefold()]:
        return same
    names = sorted({name for _, name in named if name})
    if len(names) > 1:
        raise FeedError(f"{path}: --symbol {symbol} would mix what is of {', '.join(map(shown, names[:10]))}")
    return tables


def _tables(part: Part, options: Options) -> list[Table]:
    if part.kind in {"parquet", "arrow"}:
        return [arrow_table(part, options)]
    return json_tables(part, options) if part.kind == "json" else [text_table(part, options)]


def _feed(table: Table, options: Options) -> Feed:
    plan = understand(table, options)
    rows = _turned(table) if plan.backwards else table.rows()
    return Feed(name=table.name, items=bars(rows, plan), share=table.share, table=table, plan=plan)


def _turned(table: Table) -> Iterator[Row]:
    """Yield the rows from the last to the first, by way of the disk."""
    spool = RowSpool()
    for row in table.rows():
        spool.add(row)
    yield from spool.rows(backwards=True)
