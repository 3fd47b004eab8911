"""What indicators compute: the last values of a series in, values out, oldest first. NaN: not known.

TA-Lib's functions are called on the last values alone, as many as the indicator remembers, so that a value depends on
these and on nothing before them. An exponential average remembers everything in theory: here it remembers MEMORY
periods, after which less than a ten-thousandth of the first value is left.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from scanner_app.trader_rules.frames import Floats
from scanner_app.trader_rules.later import Later

if TYPE_CHECKING:
    import numpy as np

    from scanner_app.detectors import ta_lib
else:
    np, ta_lib = Later("numpy"), Later("scanner_app.detectors.ta_lib")

MEMORY: Final = 5
"""Periods that an exponential average remembers: of the value before them e^-10 is left."""

WILDER_MEMORY: Final = 10
"""The same for Wilder's averages (RSI, ATR), which forget half as quickly."""


def sma(values: Floats, n: int) -> Floats:
    """Simple moving averages of n values."""
    return _over(values, n, lambda known: ta_lib.talib.SMA(known, n))


def ema(values: Floats, n: int) -> Floats:
    """Exponential moving averages, begun with the simple average of the first n values."""
    return _over(values, n, lambda known: ta_lib.talib.EMA(known, n))


def stdev(values: Floats, n: int) -> Floats:
    """Standard deviations of n values, of these alone (not of a sample)."""
    return _over(values, n, lambda known: ta_lib.talib.STDDEV(known, n, 1.0))


def highest(values: Floats, n: int) -> Floats:
    """The greatest of n values."""
    return _over(values, n, lambda known: ta_lib.talib.MAX(known, n))


def lowest(values: Floats, n: int) -> Floats:
    """The least of n values."""
    return _over(values, n, lambda known: ta_lib.talib.MIN(known, n))


def rsi(values: Floats, n: int) -> Floats:
    """Wilder's relative strength index, 0 to 100."""
    return _over(values, n + 1, lambda known: ta_lib.talib.RSI(known, n))


def atr(high: Floats, low: Floats, close: Floats, n: int) -> Floats:
    """Wilder's average true range."""
    begin = _first_known(close)
    if len(close) - begin < n + 1:
        return np.full(len(close), math.nan)
    found: Floats = ta_lib.talib.ATR(high[begin:], low[begin:], close[begin:], n)
    return _padded(found, len(close))


def macd(values: Floats, fast: int, slow: int, signal: int, which: int) -> Floats:
    """MACD; `which`: 0 the line, 1 its signal, 2 the histogram."""
    return _over(values, slow + signal - 1, lambda known: ta_lib.talib.MACD(known, fast, slow, signal)[which])


def bbands(values: Floats, n: int, width: float, which: int) -> Floats:
    """Bollinger's bands, `width` standard deviations from the average; `which`: 0 upper, 1 middle, 2 lower."""
    return _over(values, n, lambda known: ta_lib.talib.BBANDS(known, n, width, width)[which])


def _over(values: Floats, least: int, function: Callable[[Floats], Floats]) -> Floats:
    """The function's values, where it has at least so many; nothing is known if one of those in between is not.

    TA-Lib keeps running sums, in which one NaN would be in all that follows.
    """
    begin = _first_known(values)
    known = values[begin:] if begin else values
    if len(known) < least or math.isnan(known.sum()):
        return np.full(len(values), math.nan)
    return _padded(function(known), len(values))


def _first_known(values: Floats) -> int:
    if values[0] == values[0]:
        return 0
    known = np.flatnonzero(~np.isnan(values))
    return int(known[0]) if len(known) else len(values)


def _padded(values: Floats, length: int) -> Floats:
    missing = length - len(values)
    return np.concatenate([np.full(missing, math.nan), values]) if missing else values
