"""Fourth stage: what separates the cells of a text."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scanner_app.feeds.reader.lines import Quoting, split
from scanner_app.feeds.reader.names import LONGEST, is_name

DELIMITERS: Final[dict[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}

FEWEST_CELLS: Final = 4
"""Cells of a row, at least: a time and, in the shortest case, prices without a volume."""

_SAID = re.compile(r"sep=(.)\s*$", re.IGNORECASE)
_VALUE = re.compile(r"[$€£¥₹]?\s*[-+\d.,:/'\u2019\u00a0TZ ]*\d[-+\d.,:/'\u2019\u00a0TZ %KMB]*$")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The character between cells, and whether quotes count."""

    delimiter: str
    quoting: Quoting = csv.QUOTE_MINIMAL


def find_dialect(lines: Sequence[str]) -> Dialect:
    """Choose the delimiter by which the sample falls into rows of one length whose cells mean something.

    A first line `sep=;`, as Excel writes it, decides.
    """
    if lines and (said := _SAID.match(lines[0])):
        return Dialect(said[1])
    return Dialect(max(DELIMITERS, key=lambda delimiter: _fit(lines, delimiter)))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Return how well a delimiter fits: the share of rows of one length times that of cells that mean something."""
    try:
        rows = [row for _, row in split(iter(lines), delimiter, csv.QUOTE_MINIMAL)]
    except csv.Error:
        rows = [line.split(delimiter) for line in lines]
    counts = Counter(len(row) for row in rows if len(row) >= FEWEST_CELLS)
    if not counts:
        return 0.0, 0
    length, often = counts.most_common(1)[0]
    cells = [cell.strip() for row in rows if len(row) == length for cell in row if cell.strip()]
    meant = sum(1 for cell in cells if len(cell) <= LONGEST and (_VALUE.match(cell) or is_name(cell)))
    return round(often / len(rows) * meant / max(1, len(cells)), 3), length
