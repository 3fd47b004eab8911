"""The bars of files, or of the database, as series in memory: what `manage.py history` looks at.

Bars of files are checked as ingest checks them, but for their age: retention is no limit to history. 48 bytes a bar.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import numpy as np

from scanner_app.detectors import Window
from scanner_app.domain.bars import VALUES
from scanner_app.domain.enums import BarStatus
from scanner_app.engine import forming, off_grid
from scanner_app.engine.validation import Rejection, validate
from scanner_app.feeds.reader.feed import Feed
from scanner_app.mailbox import NewBar
from scanner_app.models import Bar, Symbol

AT_ONCE: Final = 5_000
"""Bars that are checked, or read from the database, at once."""

LISTED: Final = 20
"""Bars that were refused, of which the reason is kept."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

Key = tuple[str, str]
"""Ticker and timeframe of a series."""


class _Columns:
    """The bars of one series as they come."""

    def __init__(self) -> None:
        self._times = array("q")  # µs since 1970
        self._values = [array("d") for _ in VALUES]

    def add(self, timestamp: datetime, values: Sequence[float | None]) -> None:
        """Add a bar with its prices and volume."""
        self._times.append((timestamp - EPOCH) // MICROSECOND)
        for column, value in zip(self._values, values, strict=True):
            column.append(np.nan if value is None else value)

    def window(self, key: Key) -> tuple[Window, int]:
        """The series in order of time, and how many bars were left out. Of bars of one time the first counts."""
        times, first = np.unique(np.frombuffer(self._times, dtype=np.int64), return_index=True)
        columns = {name: np.frombuffer(column)[first] for name, column in zip(VALUES, self._values, strict=True)}
        window = Window.of(symbol=key[0], timeframe=key[1], timestamps=times.astype("datetime64[us]"), **columns)
        return window, len(self._times) - len(times)


@dataclass(slots=True)
class Collected:
    """Series in memory, and what was not taken into them."""

    series: dict[Key, Window] = field(default_factory=dict)
    duplicates: int = 0  # bars of a time that had one already
    unfinished: int = 0  # bars whose period is not over
    refused: Counter[str] = field(default_factory=Counter)  # by reason
    examples: list[str] = field(default_factory=list)  # of refused ones, with file and line


def from_files(
    feeds: Sequence[Feed], *, now: datetime, on_progress: Callable[[float], None] = lambda _share: None
) -> Collected:
    """Read all files. `on_progress` hears which share of them is read."""
    found, columns = Collected(), dict[Key, _Columns]()
    for number, feed in enumerate(feeds):
        items = iter(feed.items)
        while batch := list(islice(items, AT_ONCE)):
            lines = [line for line, _ in batch]
            for bar in _checked([bar for _, bar in batch], feed.name, lines, found, now):
                _columns_of(columns, (bar.symbol, bar.timeframe)).add(
                    bar.timestamp, [getattr(bar, name) for name in VALUES]
                )
            on_progress((number + feed.share()) / len(feeds))
    return _put_in_order(found, columns)


def _checked(
    raw: Sequence[object], file: str, lines: Sequence[int], found: Collected, now: datetime
) -> Iterator[NewBar]:
    """The bars of a batch that ingest would take as closed ones; the others are counted."""
    good: list[tuple[int, NewBar]] = []
    refused: list[Rejection] = []
    for index, one in enumerate(raw):
        checked = validate(index, one, now, any_age=True)
        if isinstance(checked, Rejection):
            refused.append(checked)
        else:
            good.append((index, checked))
    strays = off_grid.rejections(good, now)
    refused += strays.values()
    closed, unfinished = forming.split([(index, bar) for index, bar in good if index not in strays], now=now)
    found.unfinished += len(unfinished)
    found.refused.update(one.reason for one in refused)
    room = max(0, LISTED - len(found.examples))
    found.examples += [f"{file}:{lines[one.index]}: {one.message}" for one in refused[:room]]
    return (bar for _, bar in closed)


def from_database(
    symbol: Symbol, timeframe: str | None, *, on_progress: Callable[[float], None] = lambda _share: None
) -> Collected:
    """The processed bars of a symbol, of one timeframe or of all. `on_progress`: as in `from_files`."""
    bars = Bar.objects.filter(symbol=symbol, status=BarStatus.PROCESSED)
    if timeframe is not None:
        bars = bars.filter(timeframe=timeframe)
    total, columns = bars.count(), dict[Key, _Columns]()
    rows = bars.order_by("timestamp").values_list("timeframe", "timestamp", *VALUES)
    for done, (name, timestamp, *values) in enumerate(rows.iterator(chunk_size=AT_ONCE), start=1):
        _columns_of(columns, (symbol.ticker, name)).add(timestamp, values)
        if done % AT_ONCE == 0:
            on_progress(done / total)
    return _put_in_order(Collected(), columns)


def _columns_of(columns: dict[Key, _Columns], key: Key) -> _Columns:
    if key not in columns:
        columns[key] = _Columns()
    return columns[key]


def _put_in_order(found: Collected, columns: dict[Key, _Columns]) -> Collected:
    for key in sorted(columns):
        found.series[key], left_out = columns.pop(key).window(key)
        found.duplicates += left_out
    return found
