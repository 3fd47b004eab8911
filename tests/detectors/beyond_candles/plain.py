"""The detectors' rules once more, slowly: plain Python over lists of bars, written from docs/beyond-candles.md.

Each takes bars, oldest first, and says what the last of them shows: {(pattern, direction, strength)}.
"""

import itertools
import math
import statistics
from typing import NamedTuple


class Bar(NamedTuple):
    time: float  # seconds
    open: float
    high: float
    low: float
    close: float
    volume: float

    def mirrored(self):
        return Bar(self.time, -self.open, -self.low, -self.high, -self.close, self.volume)


def bars_of(window):
    times = window.timestamps.astype("datetime64[s]").astype(int).tolist()
    columns = (window.open, window.high, window.low, window.close, window.volume)
    return [Bar(*row) for row in zip(times, *(column.tolist() for column in columns), strict=True)]


def true_ranges(bars):
    return [max(bar.high, before.close) - min(bar.low, before.close) for before, bar in itertools.pairwise(bars)]


def way(change):
    return "neutral" if change == 0 else "bullish" if change > 0 else "bearish"


def relative_volume(bars, length=20, times=3.0):
    *before, newest = bars
    known = [bar.volume for bar in before[-length:] if not math.isnan(bar.volume)]
    if len(before) < length or len(known) < length / 2 or math.isnan(newest.volume) or not sum(known):
        return set()
    share = newest.volume / statistics.fmean(known)
    return {("RELATIVE_VOLUME", way(newest.close - before[-1].close), share)} if share >= times else set()


def gap(bars, length=14, least=0.5):
    if len(bars) < length + 2:
        return set()
    newest, last = bars[-1], bars[-2]
    if last.low <= newest.open <= last.high:
        return set()
    unit = statistics.fmean(true_ranges(bars[-length - 2 : -1]))
    size = min(abs(newest.open - last.close) / unit, 1000) if unit else 1000
    return {("GAP", way(newest.open - last.close), size)} if size >= least else set()


def new_extremes(bars, length=55, rest=5):
    found = set()
    for pattern, direction, seen in both_ways(bars, "NEW_HIGH", "NEW_LOW"):
        *before, newest = seen[-length - 1 :]
        if len(before) < length or newest.high <= max(bar.high for bar in before):
            continue
        age = next(n for n in range(length, 0, -1) if before[-n].high == max(bar.high for bar in before))
        if age >= rest:
            found.add((pattern, direction, 100 * age / length))
    return found


def session_extremes(bars, timeframe_s=300, length=400, pause_h=3, settle_min=30, rest=5):
    bars = bars[-length:]
    newest = bars[-1]
    first = None
    for place in range(1, len(bars)):
        if bars[place].time - bars[place - 1].time >= pause_h * 3600 + timeframe_s:
            first = place
    if first is None or newest.time - bars[first].time >= 86400:
        of_day = [place for place, bar in enumerate(bars) if bar.time // 86400 == newest.time // 86400]
        first = of_day[0]
        if first == 0:
            return set()
    found = set()
    for pattern, direction, seen in both_ways(bars, "SESSION_HIGH", "SESSION_LOW"):
        before = seen[first:-1]
        if newest.time - bars[first].time < 60 * settle_min or not before:
            continue
        top = max(bar.high for bar in before)
        age = next(n for n in range(len(before), 0, -1) if before[-n].high == top)
        if seen[-1].high > top and age >= rest:
            found.add((pattern, direction, 100 * age / len(before)))
    return found


def range_breakout(bars, length=20, max_height_atr=3.5):
    found = set()
    for pattern, direction, seen in both_ways(bars, "RANGE_BREAKOUT", "RANGE_BREAKOUT"):
        *before, newest = seen[-length - 1 :]
        if len(before) < length:
            continue
        top, bottom = max(bar.high for bar in before), min(bar.low for bar in before)
        if newest.close > top and top - bottom <= max_height_atr * statistics.fmean(true_ranges(before)):
            share = (newest.close - top) / (top - bottom) if top > bottom else 1
            found.add((pattern, direction, 100 * min(share, 1)))
    return found


def average_cross(bars, fast=50, slow=200):
    if len(bars) < slow + 1:
        return set()
    closes = [bar.close for bar in bars]
    dust = 1e-9 * max(map(abs, closes[-slow - 1 :]))

    def averages(end):
        return math.fsum(closes[end - fast : end]) / fast, math.fsum(closes[end - slow : end]) / slow

    (fast_before, slow_before), (fast_now, slow_now) = averages(len(closes) - 1), averages(len(closes))
    if fast_before - slow_before <= dust < fast_now - slow_now:
        return {("AVERAGE_CROSS", "bullish", 100 if slow_now > slow_before else 50)}
    if fast_now - slow_now < -dust <= fast_before - slow_before:
        return {("AVERAGE_CROSS", "bearish", 100 if slow_now < slow_before else 50)}
    return set()


def is_peak(bars, place, wing):
    before, after = bars[max(0, place - wing) : place], bars[place + 1 : place + wing + 1]
    return (
        len(before) == len(after) == wing
        and all(bar.high < bars[place].high for bar in before)
        and all(bar.high <= bars[place].high for bar in after)
    )


def rsi_of_each(closes, length=14):
    """Wilder's RSI; None where there are too few bars, or where no price has changed yet."""
    changes = [after - before for before, after in itertools.pairwise(closes)]
    result = [None] * len(closes)
    up = down = 0.0
    for n in range(length, len(closes)):
        if n == length:
            up = sum(max(change, 0) for change in changes[:length]) / length
            down = sum(max(-change, 0) for change in changes[:length]) / length
        else:
            up = (up * (length - 1) + max(changes[n - 1], 0)) / length
            down = (down * (length - 1) + max(-changes[n - 1], 0)) / length
        result[n] = 100 * up / (up + down) if up + down else None
    return result


def rsi_divergence(bars, wing=3, span=60, extreme=30.0, least=3.0):
    found = set()
    for pattern, direction, seen in both_ways(bars, "RSI_DIVERGENCE", "RSI_DIVERGENCE", turned=True):
        turns = [place for place in range(len(seen)) if is_peak(seen, place, wing)]
        if len(turns) < 2 or turns[-1] != len(seen) - 1 - wing:
            continue
        first, second = turns[-2:]
        rsi = rsi_of_each([bar.close for bar in seen])
        if (
            second - first <= span
            and seen[second].high > seen[first].high
            and rsi[first] is not None
            and rsi[first] >= 100 - extreme
            and rsi[first] - rsi[second] >= least
        ):
            found.add((pattern, direction, rsi[first] - rsi[second]))
    return found


def squeeze(bars, length=20, band=2.0, channel=1.5, least=6):
    if len(bars) < length + least + 1:
        return set()

    def at(end):
        closes = [bar.close for bar in bars[end - length : end]]
        width = channel * statistics.fmean(true_ranges(bars[end - length - 1 : end]))
        return closes, statistics.pstdev(closes), width

    states = [at(len(bars) - age) for age in range(least + 1)]  # the newest first
    quiet = [band * deviation < width for _, deviation, width in states]
    closes, deviation, width = states[0]
    if all(quiet[:-1]) and not quiet[-1]:
        return {("SQUEEZE", "neutral", 100 * (1 - band * deviation / width))}
    if all(quiet[1:]) and not quiet[0]:
        distance = closes[-1] - statistics.fmean(closes)
        return {("SQUEEZE_RELEASE", way(distance), min(50 * abs(distance) / deviation, 100) if deviation else 0)}
    return set()


def double_turn(bars, length=120, wing=4, apart=10, alike=0.2, least_depth_atr=3.0):
    found = set()
    for pattern, direction, seen in both_ways(bars[-length:], "DOUBLE_TOP", "DOUBLE_BOTTOM", turned=True):
        tops = [place for place in range(len(seen)) if is_peak(seen, place, wing)]
        pairs = [(first, second) for second in reversed(tops) for first in reversed(tops) if second - first >= apart]
        for first, second in pairs:
            high, low = sorted((seen[first].high, seen[second].high), reverse=True)
            valley = min(bar.low for bar in seen[first + 1 : second])
            depth = (high + low) / 2 - valley
            steps = statistics.fmean(true_ranges(seen[first : second + 1]))
            if (
                depth > 0
                and high - low <= alike * depth
                and all(bar.high <= low for bar in seen[first + wing + 1 : second - wing])
                and all(bar.high <= high for bar in seen[second + 1 :])
                and depth >= least_depth_atr * steps
                and seen[-1].close < valley
                and all(bar.close >= valley for bar in seen[second:-1])
                and any(bar.low <= valley for bar in seen[max(0, first - (second - first)) : first + 1])
            ):
                found.add((pattern, direction, 100 * (1 - (high - low) / (alike * depth))))
                break
    return found


def both_ways(bars, pattern, mirrored, *, turned=False):
    """The bars as they are, and upside down. A pattern of highs is bullish, or, `turned`, bearish."""
    ways = ("bearish", "bullish") if turned else ("bullish", "bearish")
    yield pattern, ways[0], bars
    yield mirrored, ways[1], [bar.mirrored() for bar in bars]
