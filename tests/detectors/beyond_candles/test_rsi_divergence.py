import numpy as np
import pytest

from scanner_app.detectors.beyond_candles import RsiDivergence
from scanner_app.detectors.ta_lib import talib
from tests.detectors.beyond_candles.stories import found, story, told, upside_down

BULLISH, BEARISH = [("RSI_DIVERGENCE", "bullish")], [("RSI_DIVERGENCE", "bearish")]

# A long rest, a sharp fall to 80, a bounce to 90, and a slow slide to 79, from which it rises.
REST = np.tile([100.0, 101.0], 15)
FALL = np.linspace(98, 80, 10)
BOUNCE = np.linspace(82, 90, 5)
SLIDE = np.linspace(89, 79, 14)
RISE = np.array([81.0, 83.0, 85.0, 87.0])
DIVERGENT = story(np.r_[REST, FALL, BOUNCE, SLIDE, RISE])
SECOND = 30 + 10 + 5 + 14 - 1
"""The place of the second low."""


def test_a_lower_low_at_a_higher_rsi_is_told_when_three_bars_have_confirmed_it():
    first = 30 + 10 - 1
    rsi = talib.RSI(DIVERGENT.close, 14)
    assert DIVERGENT.low[SECOND] < DIVERGENT.low[first]
    assert rsi[first] + 3 < rsi[SECOND] < 30

    assert told(RsiDivergence(), DIVERGENT) == {SECOND + 3: BULLISH}
    assert told(RsiDivergence(), upside_down(DIVERGENT)) == {SECOND + 3: BEARISH}


def test_its_strength_is_the_difference_of_the_two_rsi():
    seen = DIVERGENT.between(0, SECOND + 4)
    rsi = talib.RSI(seen.close, 14)

    (signal,) = RsiDivergence().detect(seen)

    assert signal.strength == pytest.approx(rsi[SECOND] - rsi[39])


def test_a_second_low_that_is_higher_is_none():
    higher = story(np.r_[REST, FALL, BOUNCE, np.linspace(89, 82, 14), RISE + 3])

    assert told(RsiDivergence(), higher) == {}


def test_a_fall_that_is_as_sharp_again_is_none():
    assert told(RsiDivergence(), story(np.r_[REST, FALL, BOUNCE, np.linspace(80, 40, 6), RISE - 40])) == {}


def test_a_first_low_that_was_not_oversold_is_none():
    assert told(RsiDivergence(extreme=5), DIVERGENT) == {}


def test_lows_too_far_apart_are_none():
    assert told(RsiDivergence(span=SECOND - 39), DIVERGENT) == {SECOND + 3: BULLISH}
    assert told(RsiDivergence(span=SECOND - 39 - 1), DIVERGENT) == {}


def test_where_no_price_has_moved_yet_the_rsi_is_not_known():
    still = story([100.0] * 40, low=np.r_[np.full(20, 99.0), 98.0, np.full(10, 99.0), 97.0, np.full(8, 99.0)])

    assert [place for place in range(1, 41) if found(RsiDivergence(), still.between(0, place))] == []
