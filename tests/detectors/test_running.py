from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scanner_app.detectors import BadSignal, BarUnusable, Direction, Finding, Signal, culprit_of, run

from .samples import Up, window


def detector(detect, *, name="probe", bars_needed=3):
    return SimpleNamespace(name=name, version="", bars_needed=bars_needed, detect=detect)


def recording(calls):
    """A detector that finds nothing and notes the closes that it was shown."""

    def detect(window):
        calls.append(window.close.tolist())
        return []

    return detector(detect)


def answering(*signals):
    return detector(lambda window: signals)


def test_findings_come_in_the_order_of_detectors_and_signals():
    first = answering(Signal("B", "bearish", 2), Signal("A", Direction.NEUTRAL, 0))

    findings = run([first, Up()], window([1, 2]))

    assert findings == [
        Finding("probe", "B", Direction.BEARISH, 2.0),
        Finding("probe", "A", Direction.NEUTRAL, 0.0),
        Finding("up", "UP", Direction.BULLISH, 1.0, "1.2"),
    ]


@pytest.mark.parametrize(
    ("bars", "seen"),
    [
        pytest.param([1, 2, 3, 4], [2, 3, 4], id="its last bars_needed bars"),
        pytest.param([1], [1], id="fewer at a series' start, and it is called all the same"),
    ],
)
def test_each_detector_gets_the_bars_that_it_needs(bars, seen):
    calls: list[list[float]] = []

    run([recording(calls)], window(bars))

    assert calls == [seen]


def test_no_detectors_find_nothing():
    assert run([], window([1])) == []


def test_an_empty_window_has_no_newest_bar():
    with pytest.raises(ValueError, match="no newest bar"):
        run([], window([]))


def test_generators_and_lists_are_both_answers():
    signal = Signal("A", "bullish", 1)

    for answer in ([signal], (signal,), {signal}, iter([signal])):
        assert run([detector(lambda window, answer=answer: answer)], window([1])) == [
            Finding("probe", "A", Direction.BULLISH, 1.0)
        ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("open", np.nan),
        ("high", np.inf),
        ("low", -np.inf),
        ("close", np.nan),
        ("volume", np.inf),
    ],
)
def test_a_newest_bar_without_numbers_is_unusable_and_no_detector_sees_it(field, value):
    calls: list[list[float]] = []
    bars = {each: [1.0, 2.0] for each in ("open", "high", "low", "close", "volume")} | {field: [1.0, value]}

    with pytest.raises(BarUnusable, match=f"{field} is {value}"):
        run([recording(calls)], window(**bars))

    assert calls == []


def test_an_unknown_volume_is_no_fault_of_the_bar_and_reaches_the_detectors_as_nan():
    prices = {each: [1.0, 2.0] for each in ("open", "high", "low", "close")}
    detectors = [detector(lambda bars: [Signal("UNKNOWN", "neutral", float(np.isnan(bars.volume).sum()))])]

    assert [one.strength for one in run(detectors, window(**prices, volume=[5.0, np.nan]))] == [1.0]


@pytest.mark.parametrize("error", [BarUnusable("halted"), KeyError("a bug")])
def test_what_a_detector_raises_passes_through_unchanged(error):
    def detect(window):
        yield Signal("A", "bullish", 1)
        raise error

    with pytest.raises(type(error)) as raised:
        run([Up(), detector(detect)], window([1, 2]))

    assert raised.value is error


@pytest.mark.parametrize(
    ("strength", "kept"),
    [
        pytest.param(0, 0.0, id="zero"),
        pytest.param(-1.5, -1.5, id="negative"),
        pytest.param(np.int32(80), 80.0, id="a NumPy integer"),
        pytest.param(np.float32(0.5), 0.5, id="a NumPy float"),
    ],
)
def test_every_finite_real_number_is_a_strength(strength, kept):
    (finding,) = run([answering(Signal("A", "bullish", strength))], window([1]))

    assert finding.strength == kept
    assert type(finding.strength) is float


def test_the_longest_pattern_name_is_kept():
    (finding,) = run([answering(Signal("P" * 64, "bullish", 1))], window([1]))

    assert finding.pattern == "P" * 64


wrong: Any = Signal  # most of these mypy would refuse, but nobody makes plug-ins run it


@pytest.mark.parametrize(
    ("signal", "field", "value"),
    [
        pytest.param("CDLDOJI", "signal", "CDLDOJI", id="a string for a signal"),
        pytest.param(("A", "bullish", 1), "signal", ("A", "bullish", 1), id="a tuple for a signal"),
        pytest.param(None, "signal", None, id="None for a signal"),
        pytest.param(wrong("", "bullish", 1), "pattern", "", id="an empty pattern"),
        pytest.param(wrong(" ", "bullish", 1), "pattern", " ", id="a blank pattern"),
        pytest.param(wrong("P" * 65, "bullish", 1), "pattern", "P" * 65, id="a pattern of 65 characters"),
        pytest.param(wrong("A\x00", "bullish", 1), "pattern", "A\x00", id="a pattern with a NUL"),
        pytest.param(wrong(7, "bullish", 1), "pattern", 7, id="a number for a pattern"),
        pytest.param(wrong("A", "up", 1), "direction", "up", id="an unknown direction"),
        pytest.param(wrong("A", "BULLISH", 1), "direction", "BULLISH", id="a direction in upper case"),
        pytest.param(wrong("A", None, 1), "direction", None, id="no direction"),
        pytest.param(wrong("A", [], 1), "direction", [], id="a list for a direction"),
        pytest.param(wrong("A", "bullish", np.nan), "strength", np.nan, id="strength nan"),
        pytest.param(wrong("A", "bullish", np.inf), "strength", np.inf, id="strength infinite"),
        pytest.param(wrong("A", "bullish", 10**400), "strength", 10**400, id="strength beyond the floats"),
        pytest.param(wrong("A", "bullish", True), "strength", True, id="strength True"),
        pytest.param(wrong("A", "bullish", np.True_), "strength", np.True_, id="strength True of NumPy"),
        pytest.param(wrong("A", "bullish", "100"), "strength", "100", id="a string for a strength"),
        pytest.param(wrong("A", "bullish", Decimal(1)), "strength", Decimal(1), id="a Decimal for a strength"),
        pytest.param(wrong("A", "bullish", 1j), "strength", 1j, id="a complex strength"),
        pytest.param(wrong("A", "bullish", None), "strength", None, id="no strength"),
    ],
)
def test_a_bad_signal_is_refused_by_detector_field_and_value(signal, field, value):
    with pytest.raises(BadSignal) as refused:
        run([Up(), answering(Signal("GOOD", "bullish", 1), signal)], window([1, 2]))

    assert str(refused.value).startswith(f"detector 'probe': {field} ")
    assert repr(value) in str(refused.value)
    assert (refused.value.detector, refused.value.field, refused.value.value) == ("probe", field, value)


@pytest.mark.parametrize("answer", [None, 5, Signal("A", "bullish", 1)])
def test_an_answer_that_is_no_iterable_is_refused(answer):
    with pytest.raises(BadSignal, match="detector 'probe': answer must be an iterable of Signal"):
        run([detector(lambda window: answer)], window([1]))


def test_one_pattern_twice_from_one_detector_is_refused():
    twice = answering(Signal("A", "bullish", 1), Signal("A", "bearish", 2))

    with pytest.raises(BadSignal, match="detector 'probe': pattern must come once"):
        run([twice], window([1]))


class Rude(Exception):
    """An error that lets nobody look at it."""

    __slots__ = ()
    __dict__ = property(lambda self: 1 / 0)

    def __setattr__(self, name, value):
        raise AttributeError(name)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), Rude()])
def test_an_error_tells_which_detector_it_came_from(error):
    def detect(window):
        yield Signal("A", "bullish", 1)
        raise error

    with pytest.raises(type(error)):
        run([Up(), detector(detect, name="fails")], window([1, 2]))

    assert culprit_of(error) == ("fails", "")
    assert culprit_of(ValueError("of nobody")) is None


def test_two_detectors_may_find_one_pattern():
    findings = run([answering(Signal("UP", "bearish", 2)), Up()], window([1, 2]))

    assert [(each.detector, each.pattern) for each in findings] == [("probe", "UP"), ("up", "UP")]
