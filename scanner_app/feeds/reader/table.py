"""What the stages that know about files hand to the stages that know about bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Row = tuple[int, Sequence[object]]
"""A row's number (in a text the line of the file) and its cells: texts, numbers, dates, None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows that can be walked as often as wanted, under a header of one row, several or none.

    `form` says in words what the file is. `symbol`, `timeframe` and `timezone` are what the file says of all its
    rows outside of them; `share` how much of the walk that began last is done, 0 to 1.
    """

    name: str
    stems: tuple[str, ...]
    folder: str
    form: str
    encoding: str = ""
    packed: bool = False
    header: tuple[tuple[str, ...], ...]
    rows: Callable[[], Iterator[Row]]
    share: Callable[[], float]
    notes: tuple[str, ...] = ()
    symbol: str = ""
    timeframe: str = ""
    timezone: str = ""
    rows_are: str = "line"  # or "row": what the numbers count
