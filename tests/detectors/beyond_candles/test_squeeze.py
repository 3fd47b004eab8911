import numpy as np
import pytest

from scanner_app.detectors.beyond_candles import Squeeze
from tests.detectors.beyond_candles.stories import story, told, upside_down

BEGUN = [("SQUEEZE", "neutral")]

TREND = np.linspace(100, 160, 30)
QUIET = np.tile([160.0, 161.0], 15)
"""Closes that hardly differ, in bars 3 high: 2 deviations are 1, and 1.5 true ranges 4.5."""


def test_a_quiet_time_after_a_trend_is_told_once_and_its_end_with_the_side_of_the_close():
    up = story(np.r_[TREND, QUIET, 170, 180, 190])

    signals = told(Squeeze(), up)

    (begun, _), (ended, way) = signals.items()
    assert signals[begun] == BEGUN
    assert 30 + 6 < begun < 60
    assert (ended, way) == (61, [("SQUEEZE_RELEASE", "bullish")])


def test_upside_down_it_ends_downwards():
    down = upside_down(story(np.r_[TREND, QUIET, 170, 180]))

    assert list(told(Squeeze(), down).values()) == [BEGUN, [("SQUEEZE_RELEASE", "bearish")]]


def test_a_shorter_pause_is_no_squeeze():
    told_at = next(iter(told(Squeeze(), story(np.r_[TREND, QUIET]))))
    # The fifth quiet bar is the one before; then two that are not.
    broken = story(np.r_[TREND, QUIET[: told_at - len(TREND)], 180, 200])

    assert told(Squeeze(), broken) == {}


def test_the_strength_of_a_squeeze_is_how_narrow_it_is():
    up = story(np.r_[TREND, QUIET])
    place = next(iter(told(Squeeze(), up)))

    (signal,) = Squeeze().detect(up.between(0, place + 1))

    deviation = up.close[place - 19 : place + 1].std()
    width = (np.maximum(up.high[1:], up.close[:-1]) - np.minimum(up.low[1:], up.close[:-1]))[place - 20 : place].mean()
    assert signal.strength == pytest.approx(100 * (1 - 2 * deviation / (1.5 * width)))


def test_a_series_that_begins_quietly_has_no_beginning_of_a_squeeze():
    assert told(Squeeze(), story(QUIET)) == {}
