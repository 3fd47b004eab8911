import numpy as np
import pytest

from scanner_app.detectors.beyond_candles import RangeBreakout
from tests.detectors.beyond_candles.stories import found, story, told, upside_down

RANGE = [100, 101] * 10
"""Bars from 99 to 102, of a true range of 3: the range is one of them high."""


@pytest.mark.parametrize(
    ("close", "is_told"),
    [
        pytest.param(102.01, True, id="above the range"),
        pytest.param(102.0, False, id="at its top"),
        pytest.param(101.0, False, id="inside"),
    ],
)
def test_a_close_beyond_a_narrow_range_is_a_breakout(close, is_told):
    bars = story([*RANGE, close])

    assert found(RangeBreakout(), bars) == [("RANGE_BREAKOUT", "bullish")] * is_told
    assert found(RangeBreakout(), upside_down(bars)) == [("RANGE_BREAKOUT", "bearish")] * is_told


def test_a_price_that_goes_beyond_and_comes_back_is_none():
    assert found(RangeBreakout(), story([*RANGE, 101], high=[*[102.0] * 20, 108.0])) == []


def test_after_the_breakout_there_is_silence_until_there_is_a_new_range():
    assert told(RangeBreakout(), story([*RANGE, 110, 112, 114, 116])) == {20: [("RANGE_BREAKOUT", "bullish")]}


def test_a_trend_is_no_range():
    assert told(RangeBreakout(), story(np.arange(100, 150))) == {}


@pytest.mark.parametrize(("close", "strength"), [(102.75, 25), (105, 100), (150, 100)])
def test_its_strength_is_the_way_beyond_in_heights_of_the_range(close, strength):
    (signal,) = RangeBreakout().detect(story([*RANGE, close], high=[*[102.0] * 20, 200], low=[*[99.0] * 20, 90]))

    assert signal.strength == pytest.approx(strength)
