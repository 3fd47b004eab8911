"""Third and fifth stage: where a text's rows begin, and which rows above them are its header.

What stands above the header (an address, a title, a licence) is the preamble; below the header the first
row that holds a time or numbers is the first row of data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scanner_app.feeds.reader.names import PRICES, field_of, normalised
from scanner_app.feeds.reader.numbers import looks_like_number
from scanner_app.feeds.reader.times import form_of

LOOKED_AT: Final = 200
"""Rows in which the header is looked for. The longest preambles of vendors have some twenty lines."""

HEADER_ROWS: Final = 4
"""Rows that a header may have: pandas writes three for several symbols."""

_LABEL: Final = frozenset(
    {"ticker", "tickers", "symbol", "symbols", "price", "attributes", "date", "datetime", "metric"}
)


@dataclass(frozen=True, slots=True)
class Head:
    """The rows of the header (none: there is no header), and how many rows lie before the data, preamble included."""

    header: tuple[tuple[str, ...], ...]
    before: int
    preamble: int


def find_head(rows: Sequence[Sequence[str]], *, no_header: bool = False) -> Head:
    """Find the header in the first rows of a file.

    With `no_header` the first row that looks like data is the first one of data. A file without a header and
    without data has its first row taken for a header, so that the message on it can name what was found.
    """
    rows = rows[:LOOKED_AT]
    first_data = next((place for place, row in enumerate(rows) if is_data(row)), len(rows))
    if no_header:
        return Head((), first_data, first_data)
    known = [_known(row) for row in rows[:first_data]]
    most = max(known, default=0)
    if most < 2:
        if first_data < len(rows):
            widest = len(rows[first_data])
            above = rows[first_data - 1] if first_data else ()
            if len(above) == widest and any(cell.strip() for cell in above):
                return Head((tuple(above),), first_data, first_data - 1)
            return Head((), first_data, first_data)
        return Head((tuple(rows[0]),) if rows else (), min(1, len(rows)), 0)
    top = bottom = known.index(most)
    while bottom + 1 < first_data and bottom + 1 - top < HEADER_ROWS and _goes_on(rows[bottom + 1]):
        bottom += 1
    while top and bottom - top + 1 < HEADER_ROWS and _belongs(rows[top - 1], rows[top]):
        top -= 1
    header = tuple(tuple(row) for row in rows[top : bottom + 1])
    return Head(header, bottom + 1, top)


def is_data(row: Sequence[str]) -> bool:
    """Whether a row is of data: a time and a number, a time and nothing, or three numbers, whatever the columns."""
    cells = [cell.strip() for cell in row]
    if normalised(cells[0]) in _LABEL:
        return False
    numbers = sum(map(looks_like_number, cells))
    if numbers >= 3:
        return True
    times = sum(1 for cell in cells if len(cell) > 4 and not looks_like_number(cell) and form_of(cell) is not None)
    return times > 0 and len(cells) >= 4 and (numbers > 0 or _nothing(cells))


def _nothing(cells: Sequence[str]) -> bool:
    """Whether the cells but one say that there is no value: Yahoo writes `null` on some days."""
    return sum(1 for cell in cells if cell.lower() in {"null", "nan", "", "n/a", "-"}) >= len(cells) - 2


def _known(row: Sequence[str]) -> int:
    """Count the fields that a row names; only prices, times and volumes make a header."""
    fields = {found[0] for cell in row if cell.strip() and (found := _field(cell)) is not None}
    return len(fields) if fields & {*PRICES} else min(len(fields), 1)


def _field(cell: str) -> tuple[str, int] | None:
    """Return the field in a cell, also if a symbol is joined to its name (`AAPL.Open`, `('Open', 'AAPL')`)."""
    return field_of(cell) or next(
        (found for part in re.split(r"[._'(), ]+", cell) if len(part) > 2 and (found := field_of(part))),
        None,
    )


def _goes_on(row: Sequence[str]) -> bool:
    """Whether a row below the names is of the header too: tickers, units, the index's name. No bar looks like that."""
    label, *others = (cell.strip() for cell in row)
    if label.startswith("$"):  # AmiBroker's other commands
        return False
    if any(map(looks_like_number, others)) and normalised(label) not in _LABEL:
        return False
    return not label or normalised(label) in _LABEL or not any(others)


def _belongs(above: Sequence[str], below: Sequence[str]) -> bool:
    """Whether the row above a row of names is a part of the header: as long, and with a word over each price."""
    if len(above) != len(below) or len(above) < 5:
        return False
    return all(upper.strip() for upper, lower in zip(above, below, strict=True) if field_of(lower) and lower.strip())
