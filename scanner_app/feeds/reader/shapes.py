"""What the cells of a column look like, gathered in little memory from all of them.

The shape of a text is the text with each digit as 9: `01/02/2024` and `11/30/2019` have one shape. A column of
a million times has a handful, so what must be known of every cell is asked of one example each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

MOST: Final = 2_000
"""Shapes of one column that are kept; a column with more holds no times and no numbers."""

LONGEST: Final = 100
"""Characters of a cell that can be a time or a number."""

TOO_LONG: Final = "long"
"""The shape of a longer one."""

_DIGITS: Final = str.maketrans("012345678", "9" * 9)


def shape_of(text: str) -> str:
    """Return the text with each digit as 9."""
    return text.translate(_DIGITS)


class Shapes:
    """The shapes of a column's texts: how often, and the first of each with its line."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, tuple[int, str]] = {}

    def add(self, lines: Sequence[int], cells: Sequence[str]) -> list[str]:
        """Take a block of a column; return the cells' shapes."""
        shapes = [cell.translate(_DIGITS) if len(cell) <= LONGEST else TOO_LONG for cell in cells]
        for shape, count in Counter(shapes).items():
            if shape not in self.first:
                if len(self.first) >= MOST:
                    continue
                place = shapes.index(shape)
                self.first[shape] = (lines[place], cells[place][:LONGEST])
            self.counts[shape] += count
        return shapes

    def examples(self) -> Iterator[tuple[int, str]]:
        """Yield a cell of each shape with its line."""
        yield from self.first.values()

    def has(self, sign: str) -> bool:
        """Whether some cell has a sign that is no digit."""
        return any(sign in shape for shape in self.first)
