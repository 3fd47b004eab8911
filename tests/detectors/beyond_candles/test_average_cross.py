import numpy as np

from scanner_app.detectors.beyond_candles import AverageCross
from tests.detectors.beyond_candles.stories import story, told, upside_down

SHORT = AverageCross(fast=2, slow=4)
GOLDEN, DEATH = [("AVERAGE_CROSS", "bullish")], [("AVERAGE_CROSS", "bearish")]


def test_a_fall_that_turns_is_a_golden_cross_once():
    #     fast:       …  97   96   97   99  101  103
    #     slow:       …  98   97  96.75 97.5 99  101
    turn = story([100, 99, 98, 97, 96, 96, 98, 100, 102, 104])

    assert told(SHORT, turn) == {6: GOLDEN}
    assert told(SHORT, upside_down(turn)) == {6: DEATH}


def test_averages_that_touch_and_go_on_cross_when_they_leave():
    level = story([100, 100, 100, 100, 100, 100, 101])

    assert told(SHORT, level) == {6: GOLDEN}


def test_its_strength_says_whether_the_slow_average_goes_along():
    (against,) = SHORT.detect(story([100, 99, 98, 97, 96, 96, 98]))
    (along,) = SHORT.detect(story([100, 104, 100, 102, 106]))

    assert (against.strength, along.strength) == (50, 100)


def test_fifty_and_two_hundred_days_are_the_classic_ones():
    days = story(np.r_[np.linspace(200, 100, 250), np.linspace(100, 200, 150)])

    ((place, signals),) = told(AverageCross(), days).items()

    assert signals == GOLDEN
    assert days.close[place - 49 : place + 1].mean() > days.close[place - 199 : place + 1].mean()
    assert days.close[place - 50 : place].mean() <= days.close[place - 200 : place].mean()


def test_rounding_is_no_cross():
    assert told(SHORT, story([0.1, 0.3, 0.1, 0.3] * 30)) == {}
