"""A close beyond a narrow range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from scanner_app.detectors.interface import Direction, Line, Signal
from scanner_app.detectors.measures import true_ranges
from scanner_app.detectors.parameters import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeBreakout:
    """`RANGE_BREAKOUT`: after `bars` within a narrow range, the first close above it (bullish) or below it (bearish).

    Narrow: from lowest low to highest high at most `max_height_atr` average true ranges of these bars. Strength: how
    far beyond, in heights of the range times 100, at most 100. Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "range_breakout"
    version: ClassVar[str] = "1"

    bars: int = 20
    """Bars that make the range; 5 to 1,000."""
    max_height_atr: float = 3.5
    """Greatest height, in average true ranges; above 0, to 100."""

    def __post_init__(self) -> None:
        check_whole(self, bars=(5, 1000))
        check_number(self, max_height_atr=100)

    @property
    def bars_needed(self) -> int:
        """The range, and the newest bar."""
        return self.bars + 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a breakout by the newest bar's close; nothing while bars are too few."""
        if len(window) <= self.bars:
            return
        before = slice(-self.bars - 1, -1)
        high, low, close = window.high[before], window.low[before], window.close[before]
        top, bottom, newest = float(high.max()), float(low.min()), float(window.close[-1])
        beyond = max(newest - top, bottom - newest)
        if not beyond > 0:
            return
        height = top - bottom
        if height <= self.max_height_atr * true_ranges(high, low, close).mean():
            strength = 100 * min(beyond / height, 1.0) if height > 0 else 100.0
            yield Signal("RANGE_BREAKOUT", Direction.BULLISH if newest > top else Direction.BEARISH, strength)

    def draw(self, window: Window) -> Iterator[Line]:
        """Yield the borders of the range, up to the bar that left it."""
        last = len(window) - 1
        before = slice(last - self.bars, last)
        for signal in self.detect(window):
            for border in (float(window.high[before].max()), float(window.low[before].min())):
                yield Line(signal.pattern, ((last - self.bars, border), (last, border)))
