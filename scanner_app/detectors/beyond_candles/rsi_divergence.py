"""Price and RSI go different ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scanner_app.detectors.beyond_candles.turns import peaks
from scanner_app.detectors.interface import Direction, Line, Signal
from scanner_app.detectors.parameters import check_number, check_whole
from scanner_app.detectors.ta_lib import talib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Floats, Window

WARM_UP = 10
"""RSI lengths of bars before the oldest turn: what was before them changes RSI by less than a ten-thousandth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RsiDivergence:
    """`RSI_DIVERGENCE`, bullish: a lower low than the one before it, at a higher RSI, the first low being oversold.

    Bearish: a higher high at a lower RSI, the first high being overbought. A low is known `wing` bars later, and the
    signal belongs to that bar. Strength: the difference of the two RSI. Raises ValueError for a parameter outside its
    bounds.
    """

    name: ClassVar[str] = "rsi_divergence"
    version: ClassVar[str] = "1"

    rsi_bars: int = 14
    """Bars of the RSI; 2 to 100."""
    wing: int = 3
    """Bars on each side that a low (high) must be below (above); 1 to 50."""
    span: int = 60
    """Greatest distance of the two lows (highs), in bars; 2 to 500."""
    extreme: float = 30.0
    """RSI up to which the first low is oversold; the first high is overbought from 100 less this on. Above 0, to 50."""
    least: float = 3.0
    """Least difference of the two RSI; above 0, to 100."""

    def __post_init__(self) -> None:
        check_whole(self, rsi_bars=(2, 100), wing=(1, 50), span=(2, 500))
        check_number(self, extreme=50, least=100)

    @property
    def bars_needed(self) -> int:
        """The two turns, with their wings, and what the RSI of the first one needs."""
        return self.span + 2 * self.wing + WARM_UP * self.rsi_bars + 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a divergence whose second turn the newest bar confirms; nothing while bars are too few."""
        # With the prices turned upside down, a high is a low and RSI 70 is 30, so one rule serves both.
        for direction, heights, sign in (
            (Direction.BULLISH, -window.low, 1.0),
            (Direction.BEARISH, window.high, -1.0),
        ):
            pair = self._turns(heights)
            if pair is None:
                continue
            first, second = pair
            rsi = self._rsi(sign * window.close)
            if rsi[first] <= self.extreme and (strength := float(rsi[second] - rsi[first])) >= self.least:
                yield Signal("RSI_DIVERGENCE", direction, strength)

    def draw(self, window: Window) -> Iterator[Line]:
        """Yield the line from the first low to the second, or from high to high."""
        for signal in self.detect(window):
            prices = window.low if signal.direction == Direction.BULLISH else window.high
            pair = self._turns(-prices if signal.direction == Direction.BULLISH else prices)
            if pair is not None:
                yield Line(signal.pattern, tuple((place, float(prices[place])) for place in pair))

    def _turns(self, heights: Floats) -> tuple[int, int] | None:
        """The places of the last two peaks, if the second is confirmed by the newest bar and higher than the first."""
        second = len(heights) - 1 - self.wing
        # Most bars end here: few are `wing` bars after a peak.
        if second < self.wing or heights[second] < heights[second + 1 :].max():
            return None
        start = max(0, second - self.span - self.wing)
        found = peaks(heights[start:], self.wing) + start
        if len(found) < 2 or found[-1] != second or second - found[-2] > self.span:
            return None
        first = int(found[-2])
        return (first, second) if heights[second] > heights[first] else None

    def _rsi(self, close: Floats) -> Floats:
        """Wilder's RSI of each bar; NaN where it is not known: too few bars, or no price has changed yet."""
        moved = np.flatnonzero(close != close[0])
        rsi: Floats = talib.RSI(close, self.rsi_bars)
        rsi[: moved[0] if len(moved) else len(rsi)] = np.nan  # TA-Lib has 0 there, which would be oversold
        return rsi
