"""Symbol, volume and scale: what the walks and the file's names say of them, and in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scanner_app.feeds.reader.bars import timeframe_name
from scanner_app.feeds.reader.errors import Unsettled, shown
from scanner_app.feeds.reader.file_names import NameHint, read_name
from scanner_app.feeds.reader.first_walk import MOST_WORDS, Found
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.table import Table

_METATRADER_4: Final = re.compile(r"(?P<s>.*[A-Za-z#._])(?P<t>1|5|15|30|60|240|1440|10080|43200)")


def name_hint(table: Table) -> NameHint:
    """Return what the file's names say: the innermost one that follows a vendor's pattern, else the innermost."""
    hints = [read_name(stem) for stem in table.stems]
    vendors = [hint for hint in hints if hint.vendor]
    named = [hint for hint in hints if hint.symbol]
    return next(iter([*vendors, *named, *hints]), NameHint())


# --- Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbols:
    """The symbol of rows that name none, all symbols, the one to be taken out of several, and what to say."""

    symbol: str = ""
    all: tuple[str, ...] = ()
    only: str | None = None
    note: str = ""


def choose_symbol(table: Table, found: Found, options: Options, hint: NameHint, timeframe: str) -> Symbols:
    """Choose the symbols. Raises Unsettled if no name is a symbol's, or if an option would mix several."""
    inside = _inside(table, found)
    given = options.symbol
    if given is not None:
        if len(inside) < 2:
            note = f"symbol {given}, as said, in place of {inside[0]}" if inside and inside[0] != given else ""
            return Symbols(symbol=given, all=(given,), note=note)
        same = [each for each in inside if each.casefold() == given.strip().casefold()]
        if not same:
            others = ", ".join(map(shown, inside[:10]))
            raise Unsettled(f"--symbol {given}: the file has {len(inside):,} other symbols: {others}")
        return Symbols(
            symbol=same[0],
            all=(same[0],),
            only=same[0],
            note=f"only the bars of {same[0]}, one of {len(inside):,} symbols",
        )
    if inside:
        if len(inside) >= MOST_WORDS:
            return Symbols(note=f"more than {MOST_WORDS:,} symbols")
        return Symbols(symbol=table.symbol if found.columns.symbol is None else "", all=inside)
    if not hint.symbol:
        name = f", and its name {table.stems[0]!r} is no symbol's" if table.stems else ""
        raise Unsettled(f"names no symbol{name}. Say --symbol")
    symbol, said = hint.symbol, hint.said
    match = _METATRADER_4.fullmatch(symbol)
    # With a header it may be anybody's file, and DAX30 a symbol.
    sure = not found.columns.names[0] or re.match(r"[A-Za-z]{6}", symbol)
    if match and not hint.vendor and sure and timeframe_name(match["t"]) == timeframe:
        symbol, said = match["s"].rstrip("_"), "as MetaTrader 4 names its files"
    return Symbols(symbol=symbol, all=(symbol,), note=f"symbol {symbol}, {said}" if said else "")


def _inside(table: Table, found: Found) -> tuple[str, ...]:
    """Return the symbols that the file itself names, in groups of columns, in a column, or for all of its rows."""
    grouped = tuple(group.symbol for group in found.columns.groups if group.symbol)
    if grouped:
        return grouped
    if found.columns.symbol is not None:
        return tuple(found.symbols) or ("",)
    return (table.symbol,) if table.symbol else ()


# --- Volume


def choose_volumes(found: Found, hint: NameHint) -> tuple[tuple[int | None, ...], list[str]]:
    """Return the column of each group's volume (None: unknown), and what to say: the first that holds something."""
    chosen: list[int | None] = []
    notes: list[str] = []
    for group in found.columns.groups:
        holding = [place for place in group.volumes if found.numbers[place].holds]
        filled = [place for place in group.volumes if found.numbers[place].filled]
        take = next(iter([*holding, *filled]), None)
        if not holding and hint.vendor == "HistData":
            chosen.append(None)
            notes.append("volume is unknown: HistData has none, and writes 0")
            continue
        chosen.append(take)
        name = found.columns.name
        if take is not None and take != group.volumes[0]:
            notes.append(f"volume is {name(take)}, because {name(group.volumes[0])} holds nothing but 0")
        elif take is not None and len(holding) > 1:
            notes.append(f"volume is {name(take)}, not {' or '.join(name(place) for place in holding[1:])}")
        elif take is None:
            why = f"{name(group.volumes[0])} is empty" if group.volumes else "there is no column for it"
            notes.append(f"volume is unknown: {why}")
    return tuple(chosen), list(dict.fromkeys(notes))[:3]


# --- Scale

LEAN: Final = 1e4
"""What LEAN's prices of shares are multiplied by."""


def choose_divisor(table: Table, found: Found, hint: NameHint) -> tuple[float, str]:
    """Return what prices are divided by, and what to say: where a vendor writes them as whole numbers."""
    prices = [found.numbers[place] for group in found.columns.groups for place in group.prices]
    if not all(survey.whole and survey.holds for survey in prices):
        return 1.0, ""
    if found.columns.databento:
        return 1e9, "prices divided by 1,000,000,000, as Databento's raw form has them"
    if not table.header and _lean_daily_or_minute(table, found, hint):
        return LEAN, "prices divided by 10,000, as LEAN has those of shares"
    return 1.0, ""


def _lean_daily_or_minute(table: Table, found: Found, hint: NameHint) -> bool:
    if hint.vendor == "LEAN":
        return True
    shapes = {shape.strip() for shape in found.times[found.columns.times[0]].shapes.counts}
    return shapes == {"99999999 99:99"} and (table.packed or "/equity/" in f"{table.folder}/")


def leftovers(found: Found, rows_are: str) -> Sequence[str]:
    """Say how many rows hold no price at all."""
    if not found.priceless:
        return ()
    count = found.priceless
    first = found.first_priceless
    return (f"{count:,} {rows_are}{'s' * (count > 1)} without prices left out, the first is {rows_are} {first}",)
