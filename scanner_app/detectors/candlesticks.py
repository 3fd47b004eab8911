"""All candlestick patterns of TA-Lib, on the newest bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from scanner_app.detectors.interface import Direction, Signal
from scanner_app.detectors.ta_lib import talib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner_app.detectors.interface import Window

_FUNCTIONS = talib.get_function_groups()["Pattern Recognition"]
_PATTERNS = tuple((name, getattr(talib, name)) for name in sorted(_FUNCTIONS))


class Candlesticks:
    """TA-Lib's 61 `CDL…` functions with their default parameters; one signal for each that finds its pattern.

    Pattern: the function's name, such as `CDLENGULFING`. Direction: the sign of TA-Lib's value,
    positive is bullish. Strength: its magnitude, mostly 100; 200 where TA-Lib sees the pattern
    confirmed (CDLHIKKAKE), 80 for its weaker form (CDLENGULFING, CDLHARAMI).

    The sign is TA-Lib's. For patterns without a direction of their own (CDLDOJI, CDLLONGLEGGEDDOJI,
    CDLRICKSHAWMAN, …) it is always +100, so they come as bullish.
    """

    name: ClassVar[str] = "candlesticks"
    # The longest lookback of the 61 is 14 bars, and the newest bar is one more. Over 15 bars all of them
    # return what they return over the whole series (tests/detectors/test_candlesticks.py).
    bars_needed: ClassVar[int] = 15

    def detect(self, window: Window) -> Iterator[Signal]:
        """Yield the patterns that end in the newest bar; none if the window has too few bars for TA-Lib."""
        prices = (window.open, window.high, window.low, window.close)
        for name, pattern in _PATTERNS:
            if value := int(pattern(*prices)[-1]):
                yield Signal(name, Direction.BULLISH if value > 0 else Direction.BEARISH, abs(value))
