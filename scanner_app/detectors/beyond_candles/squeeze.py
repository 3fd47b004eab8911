"""The market falls quiet, and wakes up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scanner_app.detectors.interface import Direction, Signal
from scanner_app.detectors.measures import direction_of, true_ranges
from scanner_app.detectors.parameters import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Floats, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Squeeze:
    """`SQUEEZE` (neutral): Bollinger's bands have come inside Keltner's channel. `SQUEEZE_RELEASE`: they have left it.

    A squeeze is told once, after `least` bars; a release if at least so many before it were quiet. It is bullish with
    a close above the average, bearish below. Both channels lie around one simple average of `bars` closes, so the bands
    are inside if `band` standard deviations are less than `channel` average true ranges. Strength: of a squeeze, how
    narrow it is (100: no deviation at all); of a release, the distance of the close from the average in standard
    deviations, times 50, at most 100. Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "squeeze"
    version: ClassVar[str] = "1"

    bars: int = 20
    """Bars of the average, the deviation and the true ranges; 2 to 500."""
    band: float = 2.0
    """Width of Bollinger's bands, in standard deviations; above 0, to 10."""
    channel: float = 1.5
    """Width of Keltner's channel, in average true ranges; above 0, to 10."""
    least: int = 6
    """Bars in a row that make a squeeze; 1 to 500."""

    def __post_init__(self) -> None:
        check_whole(self, bars=(2, 500), least=(1, 500))
        check_number(self, band=10, channel=10)

    @property
    def bars_needed(self) -> int:
        """The newest bar's and `least` bars' before it, and one more for the first true range."""
        return self.bars + self.least + 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a squeeze that the newest bar makes or ends; nothing while bars are too few."""
        if len(window) < self.bars_needed:
            return
        seen = slice(-self.bars_needed, None)
        close = window.close[seen]
        ranges = true_ranges(window.high[seen], window.low[seen], close)
        # Most bars end here: what begins or ends a longer squeeze comes after a quiet bar.
        if self.least > 1 and not self._is_quiet(close[-self.bars - 1 : -1], ranges[-self.bars - 1 : -1]):
            return
        closes = np.lib.stride_tricks.sliding_window_view(close[1:], self.bars)
        with np.errstate(over="ignore"):  # of prices whose squares are no floats: endless, so no squeeze
            deviation = closes.std(axis=1)
        width = np.lib.stride_tricks.sliding_window_view(ranges, self.bars).mean(axis=1)
        quiet = self.band * deviation < self.channel * width  # of the newest `least` + 1 bars
        if quiet[1:].all() and not quiet[0]:
            narrow = 1 - self.band * float(deviation[-1]) / (self.channel * float(width[-1]))
            yield Signal("SQUEEZE", Direction.NEUTRAL, 100 * narrow)
        elif quiet[:-1].all() and not quiet[-1]:
            distance = float(close[-1] - closes[-1].mean())
            strength = min(50 * abs(distance) / float(deviation[-1]), 100.0) if deviation[-1] > 0 else 0.0
            yield Signal("SQUEEZE_RELEASE", direction_of(distance), strength)

    def _is_quiet(self, close: Floats, ranges: Floats) -> bool:
        with np.errstate(over="ignore"):
            return bool(self.band * close.std() < self.channel * ranges.mean())
