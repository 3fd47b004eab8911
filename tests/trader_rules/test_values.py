"""Rules say what a plain evaluator says, bar by bar, on series that no rule was written for."""

import math
from collections.abc import Callable
from operator import gt, lt

import pytest

from scanner_app.detectors import Window
from scanner_app.trader_rules import Frame, compiled
from tests.trader_rules import plain
from tests.trader_rules.frames import walk

BARS = 260


class Plain:
    """A series, and its values at a place, from all bars up to it."""

    def __init__(self, window: Window) -> None:
        self.open, self.high, self.low, self.close, self.volume = (
            getattr(window, name).tolist() for name in ("open", "high", "low", "close", "volume")
        )

    def sma(self, of: str, n: int) -> Callable[[int], float]:
        return lambda place: plain.sma(getattr(self, of)[: place + 1], n)

    def ema(self, n: int) -> Callable[[int], float]:
        return lambda place: plain.ema(self.close[: place + 1], n)

    def highest(self, n: int) -> Callable[[int], float]:
        return lambda place: max(self.high[place + 1 - n : place + 1]) if place + 1 >= n else math.nan


def both(*parts: bool | None) -> bool | None:
    return False if False in parts else None if None in parts else True


def compare(how: Callable[[float, float], bool], a: float, b: float) -> bool | None:
    return None if math.isnan(a) or math.isnan(b) else how(a, b)


def crosses(first: Callable[[int], float], second: Callable[[int], float], place: int) -> bool | None:
    if place == 0:
        return None
    values = [first(place - 1), second(place - 1), first(place), second(place)]
    if any(math.isnan(value) for value in values):
        return None
    return values[0] <= values[1] and values[2] > values[3]


CASES: dict[str, Callable[[Plain, int], bool | None]] = {
    "close > sma('close', 50)": lambda p, i: compare(gt, p.close[i], p.sma("close", 50)(i)),
    "volume > 2 * average('volume', 20)": lambda p, i: compare(gt, p.volume[i], 2 * p.sma("volume", 20)(i)),
    "close > ema('close', 20) and open < close": lambda p, i: both(
        compare(gt, p.close[i], p.ema(20)(i)), p.open[i] < p.close[i]
    ),
    "rsi(14) < 40": lambda p, i: compare(lt, plain.rsi(p.close[: i + 1], 14), 40),
    "range > 1.2 * atr(14)": lambda p, i: compare(
        gt, p.high[i] - p.low[i], 1.2 * plain.atr(p.high[: i + 1], p.low[: i + 1], p.close[: i + 1], 14)
    ),
    "crosses_above('close', 'sma(close, 20)')": lambda p, i: crosses(p.close.__getitem__, p.sma("close", 20), i),
    "close > previous('highest(high, 20)', 1)": lambda p, i: compare(gt, p.close[i], plain.before(p.highest(20), i, 1)),
    "change_percent > 0.4": lambda p, i: compare(
        gt, 100 * (p.close[i] / plain.before(p.close.__getitem__, i, 1) - 1), 0.4
    ),
    "stdev('close', 20) < 0.8": lambda p, i: compare(lt, plain.stdev(p.close[: i + 1], 20), 0.8),
    "close > bbands_upper(20, 2)": lambda p, i: compare(
        gt, p.close[i], p.sma("close", 20)(i) + 2 * plain.stdev(p.close[: i + 1], 20)
    ),
    "macd(12, 26, 9) > 0": lambda p, i: compare(gt, p.ema(12)(i) - p.ema(26)(i), 0) if i >= 200 else None,
}


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("text", CASES)
def test_a_rule_equals_a_plain_evaluator_on_every_bar(text: str, seed: int) -> None:
    whole = walk(BARS, seed, unknown_volume=0.02)
    expression, series = compiled(text), Plain(whole)
    needed = expression.bars_needed("1m")
    answers = []
    for place in range(BARS):
        if text.startswith("macd") and place < 200:  # begun at other bars, the two agree only after a while
            continue
        frame = Frame(whole.between(max(0, place + 1 - needed), place + 1))
        answers.append(expression.holds(frame))
        assert answers[-1] is CASES[text](series, place), f"bar {place}"
    assert {True, False} <= set(answers)  # the comparison has seen both


@pytest.mark.parametrize("text", ["close > ema('close', 20)", "rsi(14) > 50", "range > atr(14)", "macd > macd_signal"])
def test_a_value_depends_on_the_bars_needed_alone(text: str) -> None:
    whole, expression = walk(500, 5), compiled(text)
    needed = expression.bars_needed("1m")
    own, more = Frame(whole.last(needed)), Frame(whole)
    assert expression.holds(own) is expression.holds(more)
    for leaf in expression.condition.leaves:
        assert [one.now(own) for one in leaf.numbers] == [one.now(more) for one in leaf.numbers]


def test_numbers_are_computed_once_for_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(walk(60, 1))
    calls = 0
    real = Frame.column

    def column(self: Frame, name: str, count: int) -> object:
        nonlocal calls
        calls += 1
        return real(self, name, count)

    monkeypatch.setattr(Frame, "column", column)
    for limit in range(50):
        compiled(f"sma('close', 50) > {limit}").holds(frame)
    assert calls == 1
