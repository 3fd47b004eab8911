"""Measures of bars that several detectors take. Prices may be of any sign, so nothing is divided by a price."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from scanner_app.detectors.interface import Direction

if TYPE_CHECKING:
    from scanner_app.detectors.interface import Floats

MOST: Final = 1000.0
"""Greatest ratio that is told: what is divided by almost nothing says no more than that it is very large."""


def true_ranges(high: Floats, low: Floats, close: Floats) -> Floats:
    """The true range (Wilder 1978) of each bar but the first: its range, the last close included."""
    ranges: Floats = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    return ranges


def mean_of_known(volume: Floats) -> float:
    """The mean of the volumes that are known; NaN if none is."""
    known = volume[~np.isnan(volume)]
    return float(known.mean()) if len(known) else math.nan


def ratio(value: float, unit: float) -> float:
    """A positive value in units, at most MOST; a unit of zero counts as the smallest."""
    return min(float(value) / float(unit), MOST) if unit > 0 else MOST


def direction_of(change: float) -> Direction:
    """Bullish for a rise, bearish for a fall, neutral for neither."""
    if change == 0:
        return Direction.NEUTRAL
    return Direction.BULLISH if change > 0 else Direction.BEARISH
