"""Every ready-made rule can be saved, says both yes and no on series that it was not written for, and is described."""

from datetime import timedelta

import numpy as np
import pytest

from scanner_app.detectors import Finding, Window, run
from scanner_app.detectors.wyckoff import Wyckoff
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.feeds.bundled import load_series
from scanner_app.trader_rules import Frame, compiled
from scanner_app.trader_rules.ready_made import DEFAULT_SET, READY_MADE, ReadyMade
from tests.detectors.samples import window_of_series
from tests.trader_rules.frames import T0, walk


def test_there_are_at_least_twenty_with_names_of_their_own() -> None:
    names = [rule.name for rule in READY_MADE]
    assert len(names) == len(set(names)) >= 20


@pytest.mark.parametrize("rule", READY_MADE, ids=[rule.name for rule in READY_MADE])
def test_a_ready_made_rule_says_yes_and_no(rule: ReadyMade) -> None:
    assert rule.meaning.endswith(".")
    assert set(rule.timeframes) <= set(TIMEFRAMES)
    expression = compiled(rule.expression)
    answers = {expression.holds(frame) for frame in _frames(expression.needs.bars, expression.needs.session_bars)}
    assert {True, False} <= answers


@pytest.mark.parametrize("ticker", ["AAPL", "IBM", "SPX", "PSE:ALI"])
def test_the_default_set_hits_once_in_twenty_bars_at_most(ticker: str) -> None:
    (series,) = [one for one in load_series() if (one.symbol, one.timeframe) == (ticker, "1d")]
    whole = window_of_series(series).last(1200)
    expressions = [compiled(one.expression) for one in DEFAULT_SET if "1d" in one.timeframes]
    before: list[bool | None] = [None] * len(expressions)
    hits = 0

    for end in range(300, len(whole) + 1):
        seen = whole.between(end - 300, end)
        frame = Frame(seen, run([Wyckoff()], seen))
        for place, expression in enumerate(expressions):
            if (held := expression.holds(frame)) is not None:
                hits += held and before[place] is False
                before[place] = held

    assert len(expressions) == len(DEFAULT_SET) == 6
    assert 0 < hits < (len(whole) - 300) / 20


def _frames(needed: int, session: bool) -> list[Frame]:
    """Calm and wild walks, bar by bar, with a spring and an engulfing bar on every third of them."""
    found = []
    signals = [Finding("x", "SPRING", "bullish", 50.0), Finding("x", "CDLENGULFING", "bullish", 100.0)]  # type: ignore[arg-type]
    for seed in range(6):
        whole = walk(700, seed)
        if seed % 2:
            whole = _wild(whole)
        for place in range(needed, 700):
            window = whole.between(0 if session else max(0, place + 1 - needed), place + 1)
            others = {"1h": Frame(walk(30, place))}
            opened = T0 + timedelta(minutes=place - place % 90)
            found.append(Frame(window, signals if place % 3 == 0 else [], others, opened))
    return found


def _wild(whole: Window) -> Window:
    """The same with jumps from bar to bar, and volumes that vary more."""
    rng = np.random.default_rng(int(whole.close[-1] * 100))
    factor = np.exp(rng.normal(0, 0.03, len(whole)))
    columns = {name: getattr(whole, name) * factor for name in ("open", "high", "low", "close")}
    volume = whole.volume * rng.gamma(0.5, 2, len(whole))
    return Window.of(symbol="X", timeframe="1m", timestamps=whole.timestamps, volume=volume, **columns)
