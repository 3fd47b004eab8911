"""The words of rules once more, in plain Python over the whole series up to a bar: to compare with.

Written from docs/rules.md, not from the code, and without TA-Lib: loops, and sums of what is there.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

NaN = math.nan
Series = Sequence[float]


def sma(values: Series, n: int) -> float:
    return sum(values[-n:]) / n if len(values) >= n else NaN


def stdev(values: Series, n: int) -> float:
    if len(values) < n:
        return NaN
    mean = sma(values, n)
    return math.sqrt(sum((value - mean) ** 2 for value in values[-n:]) / n)


def ema(values: Series, n: int) -> float:
    last = values[-5 * n :]
    if len(last) < n:
        return NaN
    mean = sum(last[:n]) / n
    for value in last[n:]:
        mean += (value - mean) * 2 / (n + 1)
    return mean


def rsi(values: Series, n: int) -> float:
    last = values[-(10 * n + 1) :]
    moves = [b - a for a, b in pairwise(last)]
    if len(moves) < n:
        return NaN
    up = sum(max(move, 0) for move in moves[:n]) / n
    down = sum(max(-move, 0) for move in moves[:n]) / n
    for move in moves[n:]:
        up, down = (up * (n - 1) + max(move, 0)) / n, (down * (n - 1) + max(-move, 0)) / n
    return 100 * up / (up + down) if up + down else 0.0


def atr(high: Series, low: Series, close: Series, n: int) -> float:
    rows = list(zip(high, low, close, strict=True))[-(10 * n + 1) :]
    ranges = [max(h - lo, abs(h - before), abs(lo - before)) for (_, _, before), (h, lo, _) in pairwise(rows)]
    if len(ranges) < n:
        return NaN
    mean = sum(ranges[:n]) / n
    for one in ranges[n:]:
        mean = (mean * (n - 1) + one) / n
    return mean


def before(function: Callable[[int], float], place: int, bars: int) -> float:
    """The value of a function some bars ago; NaN before the first bar."""
    return function(place - bars) if place >= bars else NaN
