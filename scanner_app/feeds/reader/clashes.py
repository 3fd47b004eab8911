"""Rows of one time with different prices: a sign that a file holds more than its columns show.

Where the column of the symbol has a name that nobody knows, or a row is an option of many strikes, the rows would
pass as bars of one symbol, and the first of each time would win.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from scanner_app.feeds.reader.errors import Unsettled

MOST: Final = 50_000
"""Times that are remembered. A file of several symbols repeats them, wherever it begins to."""

_SHARE: Final = 0.2
"""Share of the rows above which it is no handful of corrected bars."""


class Clashes:
    """Counts the rows whose time an earlier row of the same series has with other prices."""

    def __init__(self, prices: Sequence[int]) -> None:
        """`prices` are the places of the columns of prices."""
        self._prices = tuple(prices)
        self._widest = max(prices)
        self._seen: dict[object, tuple[int, int]] = {}
        self._rows = self._count = 0
        self._example = (0, 0)

    def add(self, line: int, key: Hashable, row: Sequence[object]) -> None:
        """Take a row, and what makes it a bar of its own."""
        if len(row) <= self._widest:
            return
        self._rows += 1
        try:
            before = self._seen.get(key)
            if before is None:
                if len(self._seen) < MOST:
                    self._seen[key] = (self._value(row), line)
                return
            same = before[0] == self._value(row)
        except TypeError:
            return  # a list in a cell of a Parquet file: such a row is no bar anyway
        if not same:
            self._count += 1
            if self._count == 1:
                self._example = (before[1], line)

    def _value(self, row: Sequence[object]) -> int:
        return hash(tuple([row[place] for place in self._prices]))

    def check(self, rows_are: str) -> None:
        """Raise Unsettled if too many rows clash."""
        if self._count > _SHARE * self._rows:
            one, other = self._example
            raise Unsettled(
                f"{rows_are} {other} has the time of {rows_are} {one} and other prices, and so it is with "
                f"{self._count:,} of {self._rows:,}: are they of several symbols or contracts? Say "
                "--columns symbol=NAME with the column that tells them apart, or --columns date=NAME,time=NAME "
                "if the time of day is in a column of its own"
            )
