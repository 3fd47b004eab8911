from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from scanner_app.detectors import Detector, Signal, run
from scanner_app.detectors.wyckoff import Wyckoff
from scanner_app.feeds.bundled import load_series

from .samples import every_bar, window, window_of_series

SERIES = load_series()
ALL_GRADES = Wyckoff()
SUPPORT, RESISTANCE = 100.0, 110.0  # of the range below: height 10, its bars 2 high
AVERAGE_VOLUME = 1000.0
INSIDE = (103.0, 101.0, 102.0)

# high, low, close of the bar that breaks
SPRING = (102.0, 99.0, 101.5)
UPTHRUST = (111.0, 108.0, 108.5)


def trading_range(bars=30, slope=0.0):
    """Closes that swing between 101 and 109 in ten bars, on a line that rises by `slope` a bar."""
    swing = np.abs((np.arange(bars) % 10) - 5)  # 5 4 3 2 1 0 1 2 3 4
    return 101 + 1.6 * swing + slope * np.arange(bars)


def after(*bars, base=None, volume=(AVERAGE_VOLUME,)):
    """The window of a range and the bars (high, low, close) that follow it."""
    base = trading_range() if base is None else base
    high, low, close = (np.array(column, dtype=float) for column in zip(*bars, strict=True))
    return window(
        np.r_[base, close],
        high=np.r_[base + 1, high],
        low=np.r_[base - 1, low],
        volume=np.r_[np.full(len(base), AVERAGE_VOLUME), np.broadcast_to(volume, len(close))],
    )


def patterns(seen, detector=ALL_GRADES):
    return [(each.pattern, each.direction) for each in detector.detect(seen)]


def strength(seen, detector=ALL_GRADES):
    (signal,) = detector.detect(seen)
    return signal.strength


def upside_down(seen):
    """The same bars mirrored, so that support is where resistance was."""
    middle = SUPPORT + RESISTANCE
    return window(middle - seen.close, high=middle - seen.low, low=middle - seen.high, volume=seen.volume)


def test_it_is_a_detector_of_33_bars():
    assert isinstance(ALL_GRADES, Detector)
    assert (ALL_GRADES.name, ALL_GRADES.bars_needed) == ("wyckoff", 33)
    assert Wyckoff(range_bars=50, recovery_bars=5).bars_needed == 55


def test_a_break_of_support_that_closes_inside_is_a_spring():
    assert patterns(after(SPRING)) == [("SPRING", "bullish")]


def test_a_break_of_resistance_that_closes_inside_is_an_upthrust():
    assert patterns(after(UPTHRUST)) == [("UPTHRUST", "bearish")]


@pytest.mark.parametrize(
    ("bar", "found"),
    [
        pytest.param(INSIDE, False, id="no break"),
        pytest.param((102.0, 100.0, 101.5), False, id="support touched, not broken"),
        pytest.param((102.0, 99.99, 101.5), True, id="support broken by a hair"),
        pytest.param((100.5, 98.0, 100.0), True, id="closes on support"),
        pytest.param((100.5, 98.0, 99.99), False, id="closes a hair below support"),
        pytest.param((102.0, 97.0, 101.5), True, id="goes through by exactly the set share"),
        pytest.param((102.0, 96.99, 101.5), False, id="goes through by more: a breakdown"),
        pytest.param((103.0, 99.0, 101.0), True, id="closes exactly half-way up its span"),
        pytest.param((103.0, 99.0, 100.99), False, id="closes in the lower half of its span"),
        pytest.param((110.0, 99.0, 105.0), True, id="reaches resistance"),
        pytest.param((110.01, 99.0, 105.0), False, id="breaks both sides"),
        pytest.param((115.0, 99.0, 112.0), False, id="closes beyond the other side"),
    ],
)
def test_the_edges_of_a_spring_and_upside_down_of_an_upthrust(bar, found):
    seen = after(bar)

    assert patterns(seen) == [("SPRING", "bullish")] * found
    assert patterns(upside_down(seen)) == [("UPTHRUST", "bearish")] * found


OUT = (100.5, 98.5, 99.0)


@pytest.mark.parametrize(
    ("bars", "found"),
    [
        pytest.param([OUT], False, id="still out"),
        pytest.param([OUT, SPRING], True, id="back on the second bar"),
        pytest.param([OUT, OUT, SPRING], True, id="back on the third"),
        pytest.param([OUT, OUT, OUT, SPRING], False, id="back on the fourth: too late"),
        pytest.param([OUT, SPRING, INSIDE], False, id="back already, so reported already"),
        pytest.param([SPRING, INSIDE], False, id="an old spring"),
    ],
)
def test_a_break_may_last_three_bars_and_is_told_once_by_the_bar_that_ends_it(bars, found):
    seen = after(*bars)

    assert patterns(seen) == [("SPRING", "bullish")] * found
    assert patterns(upside_down(seen)) == [("UPTHRUST", "bearish")] * found


def test_recovery_bars_1_takes_only_the_bar_of_the_break_itself():
    quick = Wyckoff(recovery_bars=1)

    assert patterns(after(SPRING), quick) == [("SPRING", "bullish")]
    assert patterns(after(OUT, SPRING), quick) == []


@pytest.mark.parametrize("bars", [0, 1, 2, 29])
def test_too_few_bars_are_no_range(bars):
    assert patterns(after(SPRING, base=trading_range()[30 - bars :])) == []


def test_range_bars_and_the_break_are_enough():
    assert len(after(SPRING)) == 31  # the longest break needs two more, this one does not


@pytest.mark.parametrize(
    ("slope", "max_drift", "found"),
    [
        pytest.param(0.2, 0.4, True, id="closes drift by 0.38 heights: still a range"),
        pytest.param(0.25, 0.4, False, id="by 0.45: a trend"),
        pytest.param(0.25, 0.46, True, id="unless the parameter allows it"),
        pytest.param(-0.25, 0.3, False, id="a falling trend is one too"),
        pytest.param(-0.25, 0.8, True, id="unless the parameter allows that"),
    ],
)
def test_a_trend_is_no_range(slope, max_drift, found):
    # the other conditions are wide open, so that only the drift decides
    detector = Wyckoff(max_drift=max_drift, touches=1, max_height_atr=100)
    base = trading_range(slope=slope)
    support = base.min() - 1
    seen = after((support + 2, support - 0.5, support + 1.5), base=base)

    assert patterns(seen, detector) == [("SPRING", "bullish")] * found
    assert patterns(upside_down(seen), detector) == [("UPTHRUST", "bearish")] * found
    assert Wyckoff().max_drift == 0.4


def one_low():
    base = trading_range()
    base[[5, 15]] += 3  # two of the three lows are gone
    base[[4, 6, 14, 16]] += 2
    return base


def test_one_visit_to_support_makes_no_range():
    assert patterns(after(SPRING, base=one_low())) == []
    assert patterns(upside_down(after(SPRING, base=one_low()))) == []
    assert patterns(after(SPRING, base=one_low()), Wyckoff(touches=1)) == [("SPRING", "bullish")]


def test_one_visit_to_the_other_side_makes_no_range_either():
    mirrored = upside_down(after(UPTHRUST, base=one_low()))  # one high, three lows, and a spring

    assert patterns(mirrored) == []
    assert patterns(mirrored, Wyckoff(touches=1)) == [("SPRING", "bullish")]


def test_three_visits_are_three_and_not_four():
    assert patterns(after(SPRING), Wyckoff(touches=3)) == [("SPRING", "bullish")]
    assert patterns(after(SPRING), Wyckoff(touches=4)) == []


def test_bars_near_each_other_are_one_visit():
    assert patterns(after(SPRING), Wyckoff(touch_gap=9)) == [("SPRING", "bullish")]
    assert patterns(after(SPRING), Wyckoff(touch_gap=10)) == []


def test_touch_zone_decides_what_is_near():
    base = trading_range()
    base[[5, 25]] += 1.0  # two of the three lows stop at 101, a tenth of the height short

    assert patterns(after(SPRING, base=base), Wyckoff(touch_zone=0.11)) == [("SPRING", "bullish")]
    assert patterns(after(SPRING, base=base), Wyckoff(touch_zone=0.09)) == []


def test_a_range_too_high_for_its_bars_is_none():
    # the average true range is 2.6, so the height of 10 is 3.85 of it
    assert patterns(after(SPRING), Wyckoff(max_height_atr=3.9)) == [("SPRING", "bullish")]
    assert patterns(after(SPRING), Wyckoff(max_height_atr=3.8)) == []


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param(1, 99.963, id="hardly any: number 3 at its best"),
        pytest.param(450, 83.333, id="half of quiet"),
        pytest.param(900, 66.667, id="quiet: the last number 3"),
        pytest.param(1000, 61.905, id="average: a number 2"),
        pytest.param(1250, 50.0, id="half-way between quiet and heavy"),
        pytest.param(1600, 33.333, id="heavy: the last number 2"),
        pytest.param(3200, 16.667, id="twice heavy: a number 1"),
        pytest.param(1e12, 0.0, id="beyond measure"),
    ],
)
def test_the_quieter_the_break_the_stronger_the_signal(volume, expected):
    seen = after(SPRING, volume=[volume])

    assert strength(seen) == pytest.approx(expected, abs=0.001)
    assert strength(upside_down(seen)) == strength(seen)


def test_the_volume_of_a_longer_break_is_its_average():
    assert strength(after(OUT, SPRING, volume=[400, 1400])) == pytest.approx(66.667, abs=0.001)


def test_the_bounds_of_the_grades_are_parameters():
    graded = Wyckoff(quiet_volume=0.5, heavy_volume=1.5)

    assert strength(after(SPRING, volume=[500]), graded) == pytest.approx(66.667, abs=0.001)
    assert strength(after(SPRING, volume=[1500]), graded) == pytest.approx(33.333, abs=0.001)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("place", [pytest.param(0, id="in the range"), pytest.param(31, id="in the break")])
def test_bars_are_graded_by_the_volumes_that_are_known(place):
    seen = after(OUT, SPRING, volume=[450, 450])
    volume = seen.volume.copy()
    volume[place] = np.nan

    graded = window(seen.close, high=seen.high, low=seen.low, volume=volume)

    assert strength(graded) == strength(seen) == pytest.approx(83.333, abs=0.001)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("range_volume", "break_volume"),
    [
        pytest.param(0, 0, id="a series without volume"),
        pytest.param(0, 500, id="volume only in the break"),
        pytest.param(1000, 0, id="volume missing in the break"),
        pytest.param(np.nan, 500, id="unknown volume in the range"),
        pytest.param(1000, np.nan, id="unknown volume in the break"),
        pytest.param(np.nan, np.nan, id="no known volume at all"),
    ],
)
def test_without_volume_a_spring_is_found_and_not_graded(range_volume, break_volume):
    seen = after(SPRING)
    seen = window(
        seen.close, high=seen.high, low=seen.low, volume=np.r_[np.full(30, float(range_volume)), break_volume]
    )

    assert list(ALL_GRADES.detect(seen)) == [Signal("SPRING", "bullish", 50.0)]


@pytest.mark.parametrize("down", [105.0, 200.0])
def test_prices_around_and_below_zero_are_prices_like_others(down):
    seen = after(SPRING, volume=[450])

    lower = window(seen.close - down, high=seen.high - down, low=seen.low - down, volume=seen.volume)

    assert patterns(lower) == [("SPRING", "bullish")]
    assert strength(lower) == pytest.approx(strength(seen))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "close",
    [
        pytest.param(np.full(33, 100.0), id="closes all alike"),
        pytest.param(np.r_[trading_range(32), np.nan], id="newest bar unknown"),
        pytest.param(np.r_[np.nan, trading_range(32)], id="oldest bar unknown"),
    ],
)
def test_odd_windows_give_no_signal_and_no_error(close):
    assert patterns(window(close)) == []
    assert patterns(window(close, high=close, low=close)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("range_bars", value) for value in (9, 1001, 30.0, True, "30")),
        *(("recovery_bars", value) for value in (0, 11, 1.5)),
        *(("touches", value) for value in (0, 11, None)),
        *(("touch_gap", value) for value in (0, 51, 2.0)),
        *(("touch_zone", value) for value in (0, 0.51, np.nan, "0.1")),
        *(("max_drift", value) for value in (0, -1, 10.1, np.nan)),
        *(("max_height_atr", value) for value in (0, 101, np.inf)),
        *(("max_penetration", value) for value in (0, -0.1, 11, np.nan)),
        *(("rejection", value) for value in (0, 1.1, True)),
        *(("quiet_volume", value) for value in (0, 1.6, 1.7, np.nan)),
        *(("heavy_volume", value) for value in (0, 101, np.nan, "2")),
    ],
)
def test_a_parameter_out_of_bounds_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field} must be "):
        Wyckoff(**{field: value})


def test_every_parameter_is_keyword_only_and_frozen():
    by_position: Any = Wyckoff
    with pytest.raises(TypeError):
        by_position(40)
    for field in fields(Wyckoff):
        with pytest.raises(FrozenInstanceError):
            setattr(ALL_GRADES, field.name, 1)
    assert replace(ALL_GRADES, range_bars=50).range_bars == 50


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.symbol)
def test_real_series_show_a_few_of_both_and_upside_down_the_opposite(series):
    whole = window_of_series(series)
    found = [
        (bar, seen, finding)
        for bar, seen in every_bar(whole, ALL_GRADES.bars_needed)
        for finding in run([ALL_GRADES], seen)
    ]

    assert len(found) <= len(whole) / 50  # rare: fewer than one in ten weeks of days
    for bar, seen, finding in found:
        assert bar >= ALL_GRADES.range_bars
        assert 0 <= finding.strength <= 100
        opposite = ("UPTHRUST", "bearish") if finding.pattern == "SPRING" else ("SPRING", "bullish")
        assert patterns(upside_down(seen)) == [opposite]
    if len(whole) > 1000:
        assert {finding.pattern for _, _, finding in found} == {"SPRING", "UPTHRUST"}
