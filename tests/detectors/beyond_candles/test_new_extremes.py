import numpy as np
import pytest

from scanner_app.detectors.beyond_candles import NewExtremes
from tests.detectors.beyond_candles.stories import story, told, upside_down

SHORT = NewExtremes(bars=10, rest=3)


def test_the_first_new_high_after_a_pause_is_told_and_those_that_follow_it_are_not():
    #           0 ……………………… 9  10   11   12   13   14   15   16   17
    rise = story([100] * 10 + [102, 103, 104, 103, 103, 103, 105, 106])

    assert told(SHORT, rise) == {10: [("NEW_HIGH", "bullish")], 16: [("NEW_HIGH", "bullish")]}
    assert told(SHORT, upside_down(rise)) == {10: [("NEW_LOW", "bearish")], 16: [("NEW_LOW", "bearish")]}


def test_its_strength_is_the_age_of_the_high_that_it_exceeds():
    # The highest of the ten is six bars old.
    (signal,) = SHORT.detect(story([100, 100, 100, 100, 103, 100, 100, 100, 100, 100, 105]).last(11))

    assert signal.strength == pytest.approx(60)  # the bar after it reached it again


@pytest.mark.parametrize(
    ("high", "is_told"),
    [pytest.param(101.0, False, id="as high"), pytest.param(101.01, True, id="higher")],
)
def test_a_price_as_high_as_the_old_one_is_no_new_high(high, is_told):
    bars = story([100] * 11, high=[101] + [100.5] * 9 + [high])

    assert bool(told(SHORT, bars)) is is_told


def test_a_bar_may_make_both():
    wide = story([100] * 11, high=np.r_[101, np.full(9, 100.5), 110], low=np.r_[99, np.full(9, 99.5), 90])

    assert told(SHORT, wide) == {10: [("NEW_HIGH", "bullish"), ("NEW_LOW", "bearish")]}
