"""A new high or low of the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scanner_app.detectors.beyond_candles.new_extremes import age_of_exceeded, line_from_exceeded
from scanner_app.detectors.interface import Direction, Signal
from scanner_app.detectors.parameters import check_number, check_whole
from scanner_app.domain.timeframes import TIMEFRAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Line, Times, Window

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExtremes:
    """`SESSION_HIGH` (bullish): higher than the session before this bar. `SESSION_LOW` (bearish) is its mirror image.

    A detector knows no calendar: the session is read off the bars. It begins after the last pause of `pause_h` hours,
    or at midnight UTC where the bars have had no such pause for a day. Told from `settle_min` minutes after its first
    bar on, and if the high that is exceeded is at least `rest` bars old. Strength: the age of that high, 100 being the
    session's first bar. Only for timeframes below a day. Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "session_extremes"
    version: ClassVar[str] = "1"

    bars: int = 400
    """Bars that are looked at; 10 to 2,000. A session that began before them is not known, and nothing is told."""
    pause_h: float = 3.0
    """Hours without a bar that end a session; above 0, to 24."""
    settle_min: int = 30
    """Minutes of a session of which each bar makes a new high or low; 0 to 1,440."""
    rest: int = 5
    """Least age of the old extreme, in bars; 1 to 1,000."""

    def __post_init__(self) -> None:
        check_whole(self, bars=(10, 2000), settle_min=(0, 1440), rest=(1, 1000))
        check_number(self, pause_h=24)

    @property
    def bars_needed(self) -> int:
        """The longest session of the shortest timeframe that is to be looked at, and the newest bar."""
        return self.bars

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a new high, a new low, or both; nothing before the session has settled or while it is not known."""
        window = window.last(self.bars)
        first = self._first_of_session(window)
        if first is None or window.timestamps[-1] - window.timestamps[first] < np.timedelta64(self.settle_min, "m"):
            return
        before = slice(first, -1)
        bars = len(window) - 1 - first
        for pattern, direction, highs, newest in (
            ("SESSION_HIGH", Direction.BULLISH, window.high[before], window.high[-1]),
            ("SESSION_LOW", Direction.BEARISH, -window.low[before], -window.low[-1]),
        ):
            age = age_of_exceeded(highs, float(newest)) if bars else None
            if age is not None and age >= self.rest:
                yield Signal(pattern, direction, 100 * age / bars)

    def draw(self, window: Window) -> Iterator[Line]:
        """Yield a line from each extreme that was exceeded to the bar that did."""
        seen = window.last(self.bars)
        if (first := self._first_of_session(seen)) is None:
            return
        for signal in self.detect(seen):
            yield line_from_exceeded(window, signal, bars=len(seen) - 1 - first)

    def _first_of_session(self, window: Window) -> int | None:
        """The place of the session's first bar; None if it is before the window, or bars are of a day or longer."""
        length = TIMEFRAMES.get(window.timeframe)
        if length is None or np.timedelta64(length) >= _DAY:
            return None
        times: Times = window.timestamps
        pause = np.timedelta64(round(self.pause_h * 3_600_000_000), "us") + np.timedelta64(length)
        pauses = np.flatnonzero(np.diff(times) >= pause)
        if len(pauses) and times[-1] - times[last := int(pauses[-1]) + 1] < _DAY:
            return last
        midnight = times[-1].astype("datetime64[D]").astype(times.dtype)
        first = int(np.searchsorted(times, midnight))
        return first or None  # 0: it may have begun before the window
