"""Where a series has turned: highs and lows between lower and higher bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scanner_app.detectors.interface import Floats


def peaks(high: Floats, wing: int) -> NDArray[np.intp]:
    """The places of highs above the `wing` bars before and not below the `wing` bars after, in their order.

    Of equal highs side by side the first is the peak. A peak is known once its `wing` bars after are there: nothing
    within the newest `wing` bars is one.
    """
    if len(high) < 2 * wing + 1:
        return np.empty(0, dtype=np.intp)
    highest = np.lib.stride_tricks.sliding_window_view(high, wing).max(axis=1)
    middle = high[wing:-wing]
    return np.flatnonzero((middle > highest[: len(middle)]) & (middle >= highest[wing + 1 :])) + wing
