import numpy as np
import pytest

from scanner_app.detectors.beyond_candles import DoubleTurn
from tests.detectors.beyond_candles.stories import story, told, upside_down

TOP, BOTTOM = [("DOUBLE_TOP", "bearish")], [("DOUBLE_BOTTOM", "bullish")]


def two_tops(*, second=120.0, valley=108.0, start=90.0, end=100.0, bars=8):
    """Up to 120, down to the valley, up to the second top, down to the end."""
    legs = [(start, 120.0), (120.0, valley), (valley, second), (second, end)]
    return story(np.concatenate([[start], *(np.linspace(a, b, bars + 1)[1:] for a, b in legs)]))


WITH_VALLEY = two_tops()


def test_two_tops_of_one_height_are_told_by_the_first_close_below_the_valley():
    ((place, signals),) = told(DoubleTurn(), WITH_VALLEY).items()

    assert signals == TOP
    valley = WITH_VALLEY.low[8:25].min()
    assert WITH_VALLEY.close[place] < valley <= WITH_VALLEY.close[place - 1]


def test_upside_down_it_is_a_double_bottom():
    assert list(told(DoubleTurn(), upside_down(WITH_VALLEY)).values()) == [BOTTOM]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"second": 124.0}, id="the second is higher by more than a fifth of the valley"),
        pytest.param({"second": 116.0}, id="the second is lower by as much"),
        pytest.param({"valley": 117.0}, id="a valley that is hardly one"),
        pytest.param({"end": 108.0}, id="the valley has not been left"),
        pytest.param({"start": 112.0}, id="no rise to the first top"),
    ],
)
def test_it_is_none_if(changes):
    assert told(DoubleTurn(), two_tops(**changes)) == {}


def test_tops_too_close_to_each_other_are_none():
    assert told(DoubleTurn(apart=16), WITH_VALLEY)
    assert told(DoubleTurn(apart=17), WITH_VALLEY) == {}


def test_all_of_it_must_be_among_its_bars():
    ends = range(1, len(WITH_VALLEY) + 1)

    assert not [end for end in ends if list(DoubleTurn().detect(WITH_VALLEY.between(max(0, end - 20), end)))]


@pytest.mark.parametrize(("second", "strength"), [(120.0, 100), (119.0, None)])
def test_its_strength_is_how_alike_the_tops_are(second, strength):
    bars = two_tops(second=second)
    ((place, _),) = told(DoubleTurn(), bars).items()

    (signal,) = DoubleTurn().detect(bars.between(0, place + 1))

    depth = (120.0 + second) / 2 + 1 - bars.low[8:25].min()
    assert signal.strength == pytest.approx(100 * (1 - (120 - second) / (0.2 * depth)))
    assert strength is None or signal.strength == strength
