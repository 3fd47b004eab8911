"""A bar with far more volume than usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scanner_app.detectors.interface import Signal
from scanner_app.detectors.measures import direction_of, mean_of_known, ratio
from scanner_app.detectors.parameters import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeVolume:
    """`RELATIVE_VOLUME`: volume of at least `times` the average of the `bars` before, as far as that is known.

    Direction: that of the close against the close before; neutral where both are equal. Strength: volume in averages,
    at most 1,000. Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "relative_volume"
    version: ClassVar[str] = "1"

    bars: int = 20
    """Bars to compare with; 2 to 1,000. The volume of at least half of them must be known."""
    times: float = 3.0
    """Averages from which the volume is told; above 0, to 100."""

    def __post_init__(self) -> None:
        check_whole(self, bars=(2, 1000))
        check_number(self, times=100)

    @property
    def bars_needed(self) -> int:
        """Those to compare with, and the newest."""
        return self.bars + 1

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield the newest bar's volume if it is unusual; nothing while bars or volumes are too few."""
        if len(window) <= self.bars:
            return
        newest, before = float(window.volume[-1]), window.volume[-self.bars - 1 : -1]
        # Most bars end here: an unknown volume, or a usual one.
        if not newest > 0 or 2 * np.count_nonzero(~np.isnan(before)) < self.bars:
            return
        average = mean_of_known(before)
        if average > 0 and newest >= self.times * average:
            change = window.close[-1] - window.close[-2]
            yield Signal("RELATIVE_VOLUME", direction_of(change), ratio(newest, average))
