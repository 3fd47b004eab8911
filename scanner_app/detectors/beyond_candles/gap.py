"""An opening beyond the last bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from scanner_app.detectors.interface import Direction, Signal
from scanner_app.detectors.measures import ratio, true_ranges
from scanner_app.detectors.parameters import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """`GAP`: the bar opens above the high of the bar before (bullish) or below its low (bearish).

    Strength: from the last close to the open, in average true ranges of the `bars` before; at most 1,000. What is
    below `least` is not told. Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "gap"
    version: ClassVar[str] = "1"

    bars: int = 14
    """True ranges that are averaged; 2 to 1,000."""
    least: float = 0.5
    """Average true ranges from which a gap is told; above 0, to 100."""

    def __post_init__(self) -> None:
        check_whole(self, bars=(2, 1000))
        check_number(self, least=100)

    @property
    def bars_needed(self) -> int:
        """The newest, those whose true ranges are averaged, and one before, for the first true range."""
        return self.bars + 2

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a gap before the newest bar; nothing while bars are too few."""
        if len(window) < self.bars_needed:
            return
        opened = float(window.open[-1])
        up, down = opened > window.high[-2], opened < window.low[-2]
        if not (up or down):
            return
        before = slice(-self.bars_needed, -1)
        unit = float(true_ranges(window.high[before], window.low[before], window.close[before]).mean())
        size = ratio(abs(opened - float(window.close[-2])), unit)
        if size >= self.least:
            yield Signal("GAP", Direction.BULLISH if up else Direction.BEARISH, size)
