import math

import pytest

from scanner_app.detectors.beyond_candles import RelativeVolume
from tests.detectors.beyond_candles.stories import found, story

USUAL = [1000.0] * 20


@pytest.mark.parametrize(
    ("close", "direction"),
    [
        pytest.param(101, "bullish", id="on a rise"),
        pytest.param(99, "bearish", id="on a fall"),
        pytest.param(100, "neutral", id="at the same price"),
    ],
)
def test_a_day_with_three_times_the_usual_volume_is_told_with_the_way_of_its_close(close, direction):
    day = story([100.0] * 20 + [close], volume=[*USUAL, 3000.0])

    (signal,) = RelativeVolume().detect(day)

    assert (signal.pattern, str(signal.direction), signal.strength) == ("RELATIVE_VOLUME", direction, 3)


@pytest.mark.parametrize(
    ("volume", "is_told"),
    [
        pytest.param([*USUAL, 2999.0], False, id="a little less"),
        pytest.param([*USUAL[1:], 3000.0], False, id="nineteen days to compare with"),
        pytest.param([*USUAL, math.nan], False, id="a volume that is not known"),
        pytest.param([math.nan] * 10 + [1000.0] * 10 + [3000.0], True, id="half of the days are known"),
        pytest.param([math.nan] * 11 + [1000.0] * 9 + [3000.0], False, id="fewer than half"),
        pytest.param([0.0] * 20 + [3000.0], False, id="nothing was traded before"),
        pytest.param([1000000000.0, *USUAL, 3000.0], True, id="what is older does not count"),
    ],
)
def test_the_twenty_days_before_are_the_measure(volume, is_told):
    days = story([100.0] * len(volume), volume=volume)

    assert found(RelativeVolume(), days) == [("RELATIVE_VOLUME", "neutral")] * is_told


def test_against_almost_nothing_the_strength_stays_a_number():
    days = story([100.0] * 21, volume=[5e-324] * 20 + [1e300])

    (signal,) = RelativeVolume().detect(days)

    assert signal.strength == 1000
