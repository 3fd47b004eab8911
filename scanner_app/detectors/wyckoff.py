"""Wyckoff's springs and upthrusts: failed breaks of a trading range.

In a spring, the price falls below the range's support and closes inside the range again: those who wanted to sell have
sold, and the price did not go on falling. An upthrust is the mirror image at the resistance. The lower the volume of
the break, the fewer traders took part in it. Rule, parameters and sources: docs/detectors.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scanner_app.detectors.interface import Direction, Signal
from scanner_app.detectors.measures import mean_of_known, true_ranges
from scanner_app.detectors.parameters import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Floats, Window

UNGRADED = 50.0
"""Strength where volume says nothing: the range, or the break, has none that is known (indices, currencies)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wyckoff:
    """Springs (`SPRING`, bullish) and upthrusts (`UPTHRUST`, bearish), graded by volume.

    Strength, 0 to 100, by Wyckoff's three kinds: above 66.7 a number 3 (break on low volume), from 33.3 to 66.7 a
    number 2 (on middling volume), below 33.3 a number 1 (on heavy volume: a further break may follow).
    Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "wyckoff"

    range_bars: int = 30
    """Bars that make the range, those of the break not counted; 10 to 1,000."""
    recovery_bars: int = 3
    """Bars in which the price must be back inside, that of the break included; 1 to 10."""
    touches: int = 2
    """Visits to support, and to resistance, that make a range of it; 1 to 10."""
    touch_gap: int = 3
    """Visits that are at most this many bars apart count as one; 1 to 50."""
    touch_zone: float = 0.15
    """How near a low (high) must come to count as a visit, in heights of the range; above 0, to 0.5."""
    max_drift: float = 0.4
    """Rise or fall of the closes' least-squares line over the range, in heights; above, it is a trend."""
    max_height_atr: float = 5.0
    """Height of the range in average true ranges; above, it is a trend too."""
    max_penetration: float = 0.3
    """How far the break may go beyond the range, in heights; further is a breakdown (breakout)."""
    rejection: float = 0.5
    """How far back the last close must be from the break's extreme, in spans of its bars; above 0, to 1."""
    quiet_volume: float = 0.9
    """Volume of the break, in averages of the range, up to which it is a number 3."""
    heavy_volume: float = 1.6
    """Likewise, above which it is a number 1."""

    def __post_init__(self) -> None:
        check_whole(self, range_bars=(10, 1000), recovery_bars=(1, 10), touches=(1, 10), touch_gap=(1, 50))
        check_number(self, touch_zone=0.5, max_drift=10, max_height_atr=100, max_penetration=10, rejection=1)
        check_number(self, heavy_volume=100, quiet_volume=self.heavy_volume)
        if self.quiet_volume == self.heavy_volume:
            raise ValueError("quiet_volume must be below heavy_volume")

    @property
    def bars_needed(self) -> int:
        """The range and the longest break."""
        return self.range_bars + self.recovery_bars

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a spring or an upthrust that the newest bar completes; nothing while bars are too few."""
        # With the prices turned upside down, an upthrust is a spring, so one rule serves both.
        if (strength := self._spring(window, window.high, window.low, window.close)) is not None:
            yield Signal("SPRING", Direction.BULLISH, strength)
        if (strength := self._spring(window, -window.low, -window.high, -window.close)) is not None:
            yield Signal("UPTHRUST", Direction.BEARISH, strength)

    def _spring(self, window: Window, high: Floats, low: Floats, close: Floats) -> float | None:
        """Grade the spring that the newest bar completes; None if it completes none."""
        for broken in range(1, self.recovery_bars + 1):  # bars of the break
            before = slice(-self.range_bars - broken, -broken)
            if len(close) < self.range_bars + broken:
                break
            support, resistance = low[before].min(), high[before].max()
            lows, highs, closes = low[-broken:], high[-broken:], close[-broken:]
            lowest, highest = lows.min(), highs.max()
            fails = (
                lows[0] < support  # the first bar breaks it,
                and (closes[:-1] < support).all()  # the price stays out
                and closes[-1] >= support  # until the newest bar closes inside,
                and closes[-1] - lowest >= self.rejection * (highest - lowest)  # and well off the low,
                and highest <= resistance  # without having broken the other side
                and support - lowest <= self.max_penetration * (resistance - support)  # or gone too far
            )
            if fails and self._is_range(high[before], low[before], close[before]):
                return self._strength(window.volume[before], window.volume[-broken:])
        return None

    def _is_range(self, high: Floats, low: Floats, close: Floats) -> bool:
        support, resistance = low.min(), high.max()
        height = resistance - support
        if height > self.max_height_atr * true_ranges(high, low, close).mean():
            return False
        zone = self.touch_zone * height
        return (
            abs(_drift(close)) <= self.max_drift * height
            and self._visits(low <= support + zone) >= self.touches
            and self._visits(high >= resistance - zone) >= self.touches
        )

    def _visits(self, near: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
        """How often the price came near: bars closer together than `touch_gap` are one visit."""
        return 1 + int((np.diff(np.flatnonzero(near)) > self.touch_gap).sum())

    def _strength(self, range_volume: Floats, break_volume: Floats) -> float:
        """100 for a break without volume, falling towards 0; 66.7 and 33.3 at the bounds of the grades."""
        average, of_break = mean_of_known(range_volume), mean_of_known(break_volume)
        relative = of_break / average if average > 0 else math.nan
        if not (math.isfinite(relative) and relative > 0):
            return UNGRADED
        third = 100 / 3
        if relative <= self.quiet_volume:
            return 100 - third * relative / self.quiet_volume
        if relative <= self.heavy_volume:
            share = (relative - self.quiet_volume) / (self.heavy_volume - self.quiet_volume)
            return 2 * third - third * share
        return third * self.heavy_volume / relative


def _drift(close: Floats) -> float:
    """Rise of the least-squares line from the first close to the last, in price."""
    steps = np.arange(len(close)) - (len(close) - 1) / 2
    return float(steps @ close / (steps @ steps) * (len(close) - 1))
