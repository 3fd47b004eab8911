"""A new high or low of the last bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from scanner_app.detectors.interface import Direction, Line, Signal
from scanner_app.detectors.parameters import check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Floats, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExtremes:
    """`NEW_HIGH` (bullish): higher than the `bars` before. `NEW_LOW` (bearish) is its mirror image.

    A rise makes a new high with nearly each bar. So one is told only if the high that it exceeds is at least `rest`
    bars old: the first after a pause. Strength: the age of that high, 100 being the oldest of the bars.
    Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "new_extremes"
    version: ClassVar[str] = "1"

    bars: int = 55
    """Bars before, all of which must be exceeded; 2 to 1,000."""
    rest: int = 5
    """Least age of the old extreme, in bars; 1 (every new extreme is told) to `bars`."""

    def __post_init__(self) -> None:
        check_whole(self, bars=(2, 1000))
        check_whole(self, rest=(1, self.bars))

    @property
    def bars_needed(self) -> int:
        """Those before, and the newest."""
        return self.bars + 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a new high, a new low, or both; nothing while bars are too few."""
        if len(window) <= self.bars:
            return
        before = slice(-self.bars - 1, -1)
        for pattern, direction, highs, newest in (
            ("NEW_HIGH", Direction.BULLISH, window.high[before], window.high[-1]),
            ("NEW_LOW", Direction.BEARISH, -window.low[before], -window.low[-1]),
        ):
            age = age_of_exceeded(highs, float(newest))
            if age is not None and age >= self.rest:
                yield Signal(pattern, direction, 100 * age / self.bars)

    def draw(self, window: Window) -> Iterator[Line]:
        """Yield a line from each extreme that was exceeded to the bar that did."""
        for signal in self.detect(window):
            yield line_from_exceeded(window, signal, bars=self.bars)


def line_from_exceeded(window: Window, signal: Signal, *, bars: int) -> Line:
    """From the highest of the `bars` before (for a bearish signal the lowest) to the newest bar, at its height."""
    last = len(window) - 1
    before = slice(last - bars, last)
    if signal.direction == Direction.BULLISH:
        place, price = int(window.high[before].argmax()), float(window.high[before].max())
    else:
        place, price = int(window.low[before].argmin()), float(window.low[before].min())
    return Line(signal.pattern, ((last - bars + place, price), (last, price)))


def age_of_exceeded(highs: Floats, newest: float) -> int | None:
    """How many bars ago the highest of these was first reached; None if newest is no higher."""
    if not newest > highs.max():
        return None
    return len(highs) - int(highs.argmax())
