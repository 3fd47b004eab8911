"""Double top and double bottom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from scanner_app.detectors.beyond_candles.turns import peaks
from scanner_app.detectors.interface import Direction, Line, Signal
from scanner_app.detectors.measures import true_ranges
from scanner_app.detectors.parameters import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Floats, Window


class _Tops(NamedTuple):
    first: int  # its place
    second: int
    valley: float  # price of the low between them


class _DoubleTop(NamedTuple):
    first: int
    second: int
    valley: float
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleTurn:
    """`DOUBLE_TOP` (bearish): two highs of about one height, and the first close below the low between them.

    `DOUBLE_BOTTOM` (bullish) is its mirror image. Strength: how alike the two highs are, 100 being equal and 0 just
    alike enough. Raises ValueError for a parameter outside its bounds.
    """

    name: ClassVar[str] = "double_turn"
    version: ClassVar[str] = "1"

    bars: int = 120
    """Bars in which all of it must happen; 20 to 1,000."""
    wing: int = 4
    """Bars on each side that a top must be above; 1 to 50."""
    apart: int = 10
    """Least distance of the tops, in bars; 2 to 500."""
    alike: float = 0.2
    """Greatest difference of the tops, in depths of the valley between them; above 0, to 1."""
    least_depth_atr: float = 3.0
    """Least depth of the valley, in average true ranges from top to top; above 0, to 100."""

    def __post_init__(self) -> None:
        check_whole(self, bars=(20, 1000), wing=(1, 50), apart=(2, 500))
        check_number(self, alike=1, least_depth_atr=100)

    @property
    def bars_needed(self) -> int:
        """Those in which it must happen."""
        return self.bars

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield a double top or bottom that the newest bar completes; nothing if it completes none."""
        # With the prices turned upside down, a bottom is a top, so one rule serves both.
        seen = window.last(self.bars)
        if (top := self._top(seen.high, seen.low, seen.close)) is not None:
            yield Signal("DOUBLE_TOP", Direction.BEARISH, top.strength)
        if (bottom := self._top(-seen.low, -seen.high, -seen.close)) is not None:
            yield Signal("DOUBLE_BOTTOM", Direction.BULLISH, bottom.strength)

    def draw(self, window: Window) -> Iterator[Line]:
        """Yield a line from turn to turn, and one at the valley (hill) between them, up to the newest bar."""
        seen = window.last(self.bars)
        older, last = len(window) - len(seen), len(window) - 1
        for pattern, sign, high, low in (
            ("DOUBLE_TOP", 1, seen.high, seen.low),
            ("DOUBLE_BOTTOM", -1, -seen.low, -seen.high),
        ):
            if (found := self._top(high, low, sign * seen.close)) is None:
                continue
            first, second = found.first + older, found.second + older
            yield Line(pattern, tuple((place, sign * float(high[place - older])) for place in (first, second)))
            yield Line(pattern, ((first, sign * found.valley), (last, sign * found.valley)))

    def _top(self, high: Floats, low: Floats, close: Floats) -> _DoubleTop | None:
        """The double top that the newest bar completes, the newest pair of tops first; None without."""
        # Most bars end here: the close must be below all closes since the second top, which is `wing` bars ago or more.
        newest = close[-1]
        if len(close) <= 2 * self.wing or not newest < close[-1 - self.wing : -1].min():
            return None
        tops = [int(place) for place in peaks(high, self.wing)]
        for number in range(len(tops) - 1, 0, -1):
            second = tops[number]
            floor = close[second:-1].min()
            if floor <= newest:
                return None  # it left every valley before this top long ago
            valley, end = math.inf, second
            for first in reversed(tops[:number]):
                valley, end = min(valley, float(low[first + 1 : end].min())), first + 1
                if valley <= newest:
                    break  # from here on valleys only get deeper
                if valley <= floor and (found := self._pair(high, low, close, _Tops(first, second, valley))):
                    return found
        return None

    def _pair(self, high: Floats, low: Floats, close: Floats, tops: _Tops) -> _DoubleTop | None:
        """These two tops, graded, whose valley the newest close has just left; None if they are no double top."""
        first, second, valley = tops
        if second - first < self.apart:
            return None
        lower, higher = sorted((float(high[first]), float(high[second])))
        depth = (lower + higher) / 2 - valley
        unit = float(true_ranges(high[first : second + 1], low[first : second + 1], close[first : second + 1]).mean())
        is_top = (
            depth > 0
            and higher - lower <= self.alike * depth  # about one height,
            and (high[first + self.wing + 1 : second - self.wing] <= lower).all()  # nothing higher between them
            and high[second + 1 :].max() <= higher  # or after them,
            and depth >= self.least_depth_atr * unit  # a real valley,
            and low[max(0, 2 * first - second) : first + 1].min() <= valley  # and a rise to the first top
        )
        if not is_top:
            return None
        return _DoubleTop(first, second, valley, 100 * (1 - (higher - lower) / (self.alike * depth)))
