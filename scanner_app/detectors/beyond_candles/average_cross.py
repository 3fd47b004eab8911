"""Two moving averages cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scanner_app.detectors.interface import Direction, Line, Signal
from scanner_app.detectors.parameters import check_whole
from scanner_app.domain.prices import DUST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageCross:
    """`AVERAGE_CROSS`: the fast simple average of the closes was not above the slow one, and is now.

    That is bullish; the other way round it is bearish. Strength: 100 if the slow average goes the cross's way too, else
    50. Averages that differ by less than a price's last digits are equal. Raises ValueError for a parameter outside its
    bounds.
    """

    name: ClassVar[str] = "average_cross"
    version: ClassVar[str] = "1"

    fast: int = 50
    """Bars of the fast average; 1 to 1,000, and below `slow`."""
    slow: int = 200
    """Bars of the slow average; 2 to 2,000."""

    def __post_init__(self) -> None:
        check_whole(self, slow=(2, 2000))
        check_whole(self, fast=(1, min(1000, self.slow - 1)))

    @property
    def bars_needed(self) -> int:
        """The slow average's, and one before, for the averages of the bar before."""
        return self.slow + 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a cross that the newest bar makes; nothing while bars are too few."""
        if len(window) <= self.slow:
            return
        close = window.close[-self.slow - 1 :]
        slow_before, slow = float(close[:-1].mean()), float(close[1:].mean())
        dust = DUST * max(float(close.max()), -float(close.min()))
        before = float(close[-self.fast - 1 : -1].mean()) - slow_before
        now = float(close[-self.fast :].mean()) - slow
        if now > dust and before <= dust:
            yield Signal("AVERAGE_CROSS", Direction.BULLISH, 100 if slow > slow_before else 50)
        elif now < -dust and before >= -dust:
            yield Signal("AVERAGE_CROSS", Direction.BEARISH, 100 if slow < slow_before else 50)

    def draw(self, window: Window) -> Iterator[Line]:
        """Yield both averages, as far back as the window has bars for the slow one."""
        last = len(window) - 1
        for signal in self.detect(window):
            for bars in (self.fast, self.slow):
                means = np.lib.stride_tricks.sliding_window_view(window.close, bars).mean(axis=1)
                shown = range(self.slow - 1, last + 1)
                yield Line(signal.pattern, tuple((place, float(means[place - bars + 1])) for place in shown))
