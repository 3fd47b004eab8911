"""What a rule sees of one bar. Made once for each bar and shared by all rules, so that nothing is computed twice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from scanner_app.detectors.interface import Window
from scanner_app.trader_rules.later import Later

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
else:
    np = Later("numpy")
    Floats = Any


class Seen(Protocol):
    """A signal of the bar: a detector's finding, or a stored signal."""

    @property
    def pattern(self) -> str:
        """Such as `CDLENGULFING`."""

    @property
    def direction(self) -> str:
        """`bullish`, `bearish` or `neutral`."""

    @property
    def strength(self) -> float:
        """As its detector defines it."""


@dataclass(slots=True)
class Frame:
    """One bar with its window, the bar last. Not changed once made, but for what is remembered of it."""

    window: Window
    signals: Sequence[Seen] = ()
    others: Mapping[str, "Frame"] = field(default_factory=dict)
    """By timeframe, the newest bar of another series of the symbol that was over when this bar was."""
    session_open: datetime | None = None
    """When the session opened that the bar opens in; None: it opens in none, or nobody asked."""
    values: dict[str, float] = field(default_factory=dict)
    """Numbers that were computed already, by their text; NaN: not known."""
    series: dict[tuple[str, int], Floats] = field(default_factory=dict)
    """The last so many numbers, likewise."""

    def column(self, name: str, count: int) -> Floats:
        """The last `count` values of a column, oldest first; before the window's first bar they are NaN."""
        column: Floats = getattr(self.window, name)
        missing = count - len(column)
        if missing <= 0:
            return column[-count:]
        return np.concatenate([np.full(missing, math.nan), column])

    def session_bars(self, needed: int) -> tuple[int, int] | None:
        """The places of the session's bars in the window, this one not counted; None if they are not all there.

        `needed` is how many bars the longest session has: a shorter window is a series' start.
        """
        if self.session_open is None:
            return None
        start = int(
            np.searchsorted(self.window.timestamps, np.datetime64(self.session_open.replace(tzinfo=None), "us"))
        )
        if start == 0 and len(self.window) >= needed:
            return None
        return start, len(self.window) - 1
