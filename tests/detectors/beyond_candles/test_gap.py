import pytest

from scanner_app.detectors.beyond_candles import Gap
from tests.detectors.beyond_candles.stories import found, story, upside_down

LAST = [100.0] * 15
"""Bars from 99 to 101, so of a true range of 2."""


def opening(at, close=None):
    return story([*LAST, at if close is None else close], open=[*LAST, at])


@pytest.mark.parametrize(
    ("at", "is_told"),
    [
        pytest.param(102.0, True, id="above the high"),
        pytest.param(101.0, False, id="at the high"),
        pytest.param(101.01, True, id="just above the high, by half a true range from the close"),
        pytest.param(100.5, False, id="within the last bar"),
    ],
)
def test_an_opening_beyond_the_last_bar_is_a_gap(at, is_told):
    assert found(Gap(), opening(at)) == [("GAP", "bullish")] * is_told
    assert found(Gap(), upside_down(opening(at))) == [("GAP", "bearish")] * is_told


def test_its_strength_is_its_size_in_true_ranges():
    (signal,) = Gap().detect(opening(106.0))

    assert signal.strength == 3


def test_a_gap_that_closes_on_the_same_day_is_told_too():
    assert found(Gap(), opening(106.0, close=99.0)) == [("GAP", "bullish")]


def test_a_small_one_is_told_if_the_parameter_says_so():
    quiet = story([*LAST, 100.2], open=[*LAST, 100.2], high=[*[100.1] * 14, 100.1, 101], low=[*[97.0] * 14, 97.0, 97.0])

    assert found(Gap(), quiet) == []
    assert found(Gap(least=0.05), quiet) == [("GAP", "bullish")]


def test_fifteen_bars_are_too_few():
    assert found(Gap(), opening(106.0).last(15)) == []
