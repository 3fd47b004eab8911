"""What a detector gets (`Window`), what it returns (`Signal`), and what it is (`Detector`).

NumPy is imported with the first window: processes that only know the words, such as beat, save 20 MB.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Times = NDArray[np.datetime64]

NUMBERS: Final = ("open", "high", "low", "close", "volume")
"""The columns of a window that hold numbers."""


@cache
def _dtypes() -> Mapping[str, np.dtype[Any]]:
    """The type of each column."""
    import numpy as np  # noqa: PLC0415 - see above

    return {"timestamps": np.dtype("datetime64[us]"), **dict.fromkeys(NUMBERS, np.dtype(np.float64))}


class BarUnusable(Exception):
    """Raised by a detector when the bar itself is unusable: quarantined at once, never retried."""


class Direction(StrEnum):
    """Where a signal points."""

    BULLISH = "bullish"
    BEARISH = "bearish"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that a detector found in the newest bar.

    A plain value. It is not checked here but by `running.run`, so that the error about an invalid signal names the
    detector that returned it.
    """

    pattern: str
    """1 to 64 printable characters, such as `CDLDOJI`. A detector returns each pattern at most once for a bar."""
    direction: Direction | str
    """`bullish`, `bearish` or `neutral`."""
    strength: float
    """A finite number. Each detector defines what it means."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line on the chart that shows what a signal saw: a range's border, the averages that cross."""

    pattern: str
    """Of the signal."""
    points: tuple[tuple[int, float], ...]
    """Place in the window, the oldest bar's being 0, and price; two or more, places ascending."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """The last bars of one symbol and timeframe, oldest first, the newest bar last.

    All arrays have one length and one dimension. They are read-only, because all detectors of a bar look at the same
    memory. Build a window with `Window.of`.
    """

    symbol: str
    timeframe: str
    timestamps: Times
    """Opening times, UTC, ascending; `datetime64[us]`, which has no zone of its own."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    """NaN where a bar's volume is unknown."""

    def __post_init__(self) -> None:
        length = len(self)
        for name, dtype in _dtypes().items():
            column = getattr(self, name)
            if column.dtype != dtype or column.ndim != 1 or column.flags.writeable:
                raise ValueError(f"{name} must be a read-only column of {dtype}; use Window.of()")
            if len(column) != length:
                raise ValueError(f"{name} has {len(column)} bars, but timestamps {length}")

    @classmethod
    def of(
        cls,
        *,
        symbol: str,
        timeframe: str,
        timestamps: Times | Sequence[datetime],
        open: ArrayLike,  # noqa: A002 - the bars' own word
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike,
    ) -> Self:
        """Build a window from copies, so that it can't be changed afterwards.

        Timestamps are `datetime64` (UTC) or aware datetimes of any zone. Raises ValueError if
        the columns differ in length, the timestamps do not ascend or one of them is naive.
        """
        return cls(
            symbol=symbol,
            timeframe=timeframe,
            timestamps=_frozen_times(timestamps),
            open=_frozen_floats(open),
            high=_frozen_floats(high),
            low=_frozen_floats(low),
            close=_frozen_floats(close),
            volume=_frozen_floats(volume),
        )

    def __len__(self) -> int:
        return len(self.timestamps)

    def last(self, n: int) -> Window:
        """Return the newest `n` bars, or all if there are fewer; views, not copies.

        Raises ValueError unless n is at least 1.
        """
        if n < 1:
            raise ValueError(f"a window has at least 1 bar, not {n!r}")
        return self if n >= len(self) else self.between(len(self) - n, len(self))

    def between(self, start: int, stop: int) -> Window:
        """Return the bars from place `start` to before `stop`, the oldest's place being 0; views, not copies."""
        return Window(
            symbol=self.symbol,
            timeframe=self.timeframe,
            timestamps=self.timestamps[start:stop],
            open=self.open[start:stop],
            high=self.high[start:stop],
            low=self.low[start:stop],
            close=self.close[start:stop],
            volume=self.volume[start:stop],
        )


@runtime_checkable
class Detector(Protocol):
    """A class whose constructor needs no arguments. Each worker process makes one instance, for all symbols.

    It must keep nothing from one call to the next: bars of many symbols come in any order, and the same bar may come
    twice.
    """

    @property
    def name(self) -> str:
        """1 to 64 printable characters, different from every other detector's."""
        ...

    @property
    def bars_needed(self) -> int:
        """How many bars it needs, the newest included; 1 to 5,000."""
        ...

    def detect(self, window: Window) -> Iterable[Signal]:
        """Return the signals of the newest bar; an empty iterable if there are none.

        Called for every bar with the last `bars_needed` bars, or fewer at a series' start. Raises BarUnusable if the
        bar can never be processed; after any other exception the bar is retried.
        """
        ...


@runtime_checkable
class Drawing(Protocol):
    """What a detector may have too: lines for the chart. Asked by who looks at the chart, never while a bar is run."""

    def draw(self, window: Window) -> Iterable[Line]:
        """Return the lines of the newest bar's signals. The window is that of `detect`, with some more bars before."""
        ...


def _frozen_floats(values: ArrayLike) -> Floats:
    import numpy as np  # noqa: PLC0415 - see above

    column = np.array(values, dtype=np.float64)
    column.flags.writeable = False
    return column


def _frozen_times(values: Times | Sequence[datetime]) -> Times:
    import numpy as np  # noqa: PLC0415 - see above

    plain = values if isinstance(values, np.ndarray) else [_utc_without_zone(value) for value in values]
    column = np.array(plain, dtype=_dtypes()["timestamps"])
    if len(column) > 1 and not bool((column[1:] > column[:-1]).all()):
        raise ValueError("timestamps must ascend, each later than the one before")
    column.flags.writeable = False
    return column


def _utc_without_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"timestamps must be aware, not {moment!r}")
    return moment.astimezone(UTC).replace(tzinfo=None)
