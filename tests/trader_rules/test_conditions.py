"""What conditions say: of signals, of sessions, of other timeframes, and of what is not known."""

from datetime import timedelta

import pytest

from scanner_app.trader_rules import Frame, compiled, explain, values_of
from tests.trader_rules.frames import T0, flat, frame, walk


def says(text: str, seen: Frame) -> bool | None:
    return compiled(text).holds(seen)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("CDLENGULFING", True), ("ENGULFING", True), ("BULLISH_ENGULFING", True), ("bullish_engulfing", True),
        ("BEARISH_ENGULFING", False), ("BULLISH_DOJI", False), ("CDL_ENGULFING", True), ("SPRING", False),
    ],
)  # fmt: skip
def test_a_pattern_is_known_by_its_code_and_by_its_name_for_people(name: str, held: bool) -> None:
    assert says(f'pattern("{name}")', frame(5, 1, ("CDLENGULFING", "bullish", 100))) is held


def test_words_of_signals() -> None:
    seen = frame(5, 1, ("A", "bullish", 80.0), ("B", "neutral", -90.0))
    assert [says(text, seen) for text in ("any_bullish", "any_bearish", "strength == 90", "strength > 90")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert says("strength == 0", frame(5)) is True


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("volume > 1", None), ("not (volume > 1)", None),
        ("volume > 1 or close > 1", True), ("volume > 1 or close < 1", None),
        ("volume > 1 and close > 1", None), ("volume > 1 and close < 1", False),
        ("close < 1 and volume > 1", False), ("average('volume', 3) > 1", None),
        ("close / (close - close) > 1", None), ("close > sma('close', 4)", None),
        ("close > previous('close', 9)", None),
        ("minutes_since_open > 1", None), ("on('1h', 'close > 1')", None), ("30 < volume < 70", None),
        ("crosses_above('volume', 'close')", None),
    ],
)  # fmt: skip
def test_what_is_missing_makes_a_condition_not_known(text: str, held: bool | None) -> None:
    nan = float("nan")
    assert says(text, flat([3.0, 4.0, 5.0], volume=[1.0, nan, nan])) is held


def test_a_crossing_is_a_change_of_side() -> None:
    above = "crosses_above('close', '10')"
    assert [says(above, flat([a, b])) for a, b in ((9, 11), (10, 11), (11, 12), (9, 10))] == [True, True, False, False]
    below = "crosses_below('close', '10')"
    assert [says(below, flat([a, b])) for a, b in ((11, 9), (10, 9), (9, 8), (11, 10))] == [True, True, False, False]


def test_arithmetic_has_the_usual_order() -> None:
    seen = flat([10.0])
    for text in (
        "close - 2 - 3 == 5",
        "close - (2 - 3) == 11",
        "2 + close * 3 == 32",
        "-close + 3 == -7",
        "8 / 4 / 2 == 1",
    ):
        assert says(text, seen) is True, text
        assert says(compiled(text).condition.text, seen) is True, compiled(text).condition.text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("close > sma('close', 5)", "close > sma(close, 5)"),
        ("crosses_above('close', 'sma(close, 5)')", "crosses_above(close, sma(close, 5))"),
        ("close > sma(\"ema('close', 3)\", 5)", "close > sma(ema(close, 3), 5)"),
        ("macd > 0", "macd(12, 26, 9) > 0"),
        ("close\n  >\tprevious(close)", "close > previous('close', 1)"),
    ],
)
def test_texts_and_expressions_mean_the_same(one: str, other: str) -> None:
    assert compiled(one).condition.text == compiled(other).condition.text


def test_words_of_the_session() -> None:
    whole = walk(60, 3)
    seen = Frame(whole, session_open=T0 + timedelta(minutes=40))
    assert says("minutes_since_open == 19", seen) is True
    high, low = float(whole.high[40:59].max()), float(whole.low[40:59].min())
    assert says(f"session_high == {high} and session_low == {low}", seen) is True
    assert says(f"session_open == {float(whole.open[40])}", seen) is True
    first = Frame(whole, session_open=T0 + timedelta(minutes=59))
    assert says("session_high > 0", first) is None  # there is no bar before it
    assert says("session_high > 0", Frame(whole)) is None
    assert compiled("session_high > 0").bars_needed("1h") == 25


def test_another_timeframe_is_asked_of_its_own_bars() -> None:
    seen = Frame(flat([5.0]).window, others={"1h": flat([1.0, 2.0, 3.0])})
    assert says("on('1h', 'close > sma(close, 3)') and close == 5", seen) is True
    assert says("on('1h', 'close') == 3 and on('60m', close) < close", seen) is True
    assert compiled("on('1h', 'close > sma(close, 3)')").needs.others == (("1h", 3),)
    assert values_of(compiled("on('1h', 'close > 2')"), seen) == {"on('1h', close)": 3.0}


def test_why_has_each_part_with_its_values() -> None:
    seen = flat([1.0, 2.0, 6.0], volume=[1.0, 1.0, float("nan")])
    parts = explain(compiled("close > sma('close', 3) and not (volume > 5 or open < 1)"), seen)
    assert [(part.text, part.held, part.values) for part in parts] == [
        ("close > sma(close, 3)", True, {"close": 6.0, "sma(close, 3)": 3.0}),
        ("volume > 5", None, {"volume": None}),
        ("open < 1", False, {"open": 6.0}),
    ]


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("close > 1", 1), ("close > sma('close', 50)", 50), ("close > previous('highest(high, 20)', 1)", 21),
        ("crosses_above('close', 'sma(close, 20)')", 21), ("rsi(14) > 1", 141), ("gap_percent > 1", 2),
        ("close > ema('close', 20)", 100), ("sma('sma(close, 10)', 5) > 1 or volume > 1", 14),
        ("sma('change_percent', 5) > 1", 6),
    ],
)  # fmt: skip
def test_bars_needed(text: str, bars: int) -> None:
    assert compiled(text).bars_needed("1d") == bars


@pytest.mark.parametrize("word", ["sma", "highest", "lowest", "stdev"])
def test_an_indicator_with_an_unknown_value_among_its_own_is_not_known(word: str) -> None:
    seen = flat([3.0] * 4, volume=[5.0, 1.0, float("nan"), 2.0])
    assert says(f"{word}('volume', 3) >= 0", seen) is None
    assert says(f"{word}('volume', 3) >= 0", flat([3.0] * 4, volume=[float("nan"), 1.0, 3.0, 2.0])) is True
