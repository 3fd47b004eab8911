"""All detectors against the slow ones of plain.py, and what must hold for each of them."""

import math

import numpy as np
import pytest

from scanner_app.detectors import Window, beyond_candles, run
from scanner_app.detectors.pattern_names import NAMES
from scanner_app.feeds.bundled import load_series
from tests.detectors.beyond_candles import plain
from tests.detectors.samples import COLUMNS, every_bar, window_of_series

KINDS = [getattr(beyond_candles, name) for name in beyond_candles.__all__]
ALL = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)

AT_LEAST = {"average_cross": 5, "double_turn": 5, "rsi_divergence": 10}
"""How often each finds something on the walks below; else 20, so that no comparison is empty."""


def walk(seed, bars=2500, *, level=100.0, pause=None):
    """A random walk of 5-minute bars whose volatility changes: calm, wild, calm. `pause`: bars of a session."""
    rng = np.random.default_rng(seed)
    wild = np.repeat(rng.uniform(0.2, 1.5, bars // 50), 50)
    close = level + (wild * rng.normal(size=bars)).cumsum()
    opened = np.r_[close[0], close[:-1]] + 0.4 * wild * rng.normal(size=bars)
    volume = rng.lognormal(7, 0.8, bars)
    volume[rng.random(bars) < 0.1] = np.nan
    steps = np.arange(bars)
    minutes = 5 * steps + (0 if pause is None else 17 * 60 * (steps // pause))
    return Window.of(
        symbol="WALK",
        timeframe="5m",
        timestamps=np.datetime64("2024-01-01", "us") + minutes * np.timedelta64(1, "m"),
        open=opened,
        high=np.maximum(opened, close) + 0.3 * wild * rng.random(bars),
        low=np.minimum(opened, close) - 0.3 * wild * rng.random(bars),
        close=close,
        volume=volume,
    )


def told(found):
    return {(one.pattern, str(one.direction), round(float(one.strength), 6)) for one in found}


@ALL
@pytest.mark.parametrize(
    ("level", "pause"),
    [
        pytest.param(100_000.0, None, id="far from zero, around the clock"),
        pytest.param(0.0, 78, id="around zero, in sessions"),
    ],
)
def test_each_bar_gives_what_the_slow_one_finds(kind, level, pause):
    detector, slow = kind(), getattr(plain, kind.name)
    times = 0

    for _, seen in every_bar(walk(7, level=level, pause=pause), detector.bars_needed):
        fast = told(run([detector], seen))
        expected = {(pattern, way, round(strength, 6)) for pattern, way, strength in slow(plain.bars_of(seen))}
        assert fast == expected
        times += len(fast)

    assert times >= AT_LEAST.get(kind.name, 20)


@ALL
def test_what_comes_later_changes_nothing(kind):
    detector = kind()
    whole, other = walk(3, 1200), walk(4, 1200)
    cut = 900
    joined = {name: np.r_[getattr(whole, name)[:cut], getattr(other, name)[cut:]] for name in COLUMNS}
    joined["timestamps"] = whole.timestamps
    changed = Window.of(symbol="WALK", timeframe="5m", **joined)

    def first_bars(series):
        return [told(run([detector], seen)) for _, seen in zip(range(cut), windows(series), strict=False)]

    def windows(series):
        return (seen for _, seen in every_bar(series, detector.bars_needed))

    assert first_bars(whole) == first_bars(changed)


@ALL
def test_bars_before_those_that_it_asks_for_change_nothing(kind):
    detector = kind()
    whole = walk(5, 1500)

    for end in range(900, 1500):
        asked, all_of_it = whole.between(end - detector.bars_needed, end), whole.between(0, end)
        if kind.name == "rsi_divergence":  # it sees the turns, if not the RSI to the last digit
            assert len(list(detector.detect(asked))) == len(list(detector.detect(all_of_it)))
        else:
            assert told(detector.detect(asked)) == told(detector.detect(all_of_it))


def series(bars, close, *, reach=1.0, volume=1000.0, timeframe="5m"):
    close = np.broadcast_to(np.asarray(close, dtype=float), bars)
    return Window.of(
        symbol="ODD",
        timeframe=timeframe,
        timestamps=np.datetime64("2024-01-01T20:00", "us") + np.arange(bars) * np.timedelta64(5, "m"),
        open=close,
        high=close + reach,
        low=close - reach,
        close=close,
        volume=np.broadcast_to(volume, bars),
    )


ODD = {
    "prices that never move": series(450, 100, reach=0),
    "a tenth, which no float is, that never moves": series(450, 0.1, reach=0),
    "zero": series(450, 0, reach=0),
    "no volume that is known": series(450, 100, volume=math.nan),
    "no volume at all": series(450, 100, volume=0),
    "falling through zero": series(450, np.linspace(100, -100, 450)),
    "stairs without a range": series(450, np.arange(450) // 90, reach=0),
    "the largest prices": series(450, np.linspace(1e300, 2e300, 450)),
    "the smallest differences": series(450, np.tile([1.0, np.nextafter(1, 2)], 225), reach=0),
    "daily bars": series(450, np.arange(450) % 7, timeframe="1d"),
    "a timeframe that is new": series(450, np.arange(450) % 7, timeframe="7m"),
}


@ALL
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seen", ODD.values(), ids=ODD)
def test_odd_series_raise_nothing(kind, seen):
    detector = kind()

    for end in (*range(1, 60), *range(60, 451, 13)):
        run([detector], seen.between(max(0, end - detector.bars_needed), end))


@ALL
@pytest.mark.parametrize(
    "odd", [name for name in ODD if "never moves" in name or name in {"zero", "prices that never move"}]
)
def test_where_nothing_moves_nothing_is_told(kind, odd):
    detector = kind()

    assert not [
        told(run([detector], seen))
        for _, seen in every_bar(ODD[odd], detector.bars_needed)
        if told(run([detector], seen))
    ]


ARTISTS = [kind for kind in KINDS if hasattr(kind, "draw")]


@pytest.mark.parametrize("kind", ARTISTS, ids=lambda kind: kind.name)
def test_each_signal_has_lines_that_end_in_the_window_and_where_none_is_told_none_is_drawn(kind):
    detector = kind()
    whole = walk(7, level=0.0, pause=78)
    drawn = 0

    for end in range(1, len(whole) + 1):
        seen = whole.between(max(0, end - detector.bars_needed - 60), end)
        signals = {one.pattern for one in detector.detect(seen)}
        if not signals and end % 20:  # to draw where there is nothing is looked at now and then
            continue
        lines = list(detector.draw(seen))
        drawn += len(lines)
        assert {line.pattern for line in lines} == signals
        for line in lines:
            places = [place for place, _ in line.points]
            assert len(places) >= 2
            assert places == sorted(set(places))
            assert places[0] >= 0
            assert places[-1] < len(seen)
            lowest, highest = seen.low.min(), seen.high.max()
            assert all(lowest <= price <= highest for _, price in line.points)

    assert len(ARTISTS) == 6
    assert drawn


@ALL
def test_it_has_a_name_a_version_and_patterns_with_names_for_people(kind):
    detector = kind()
    found = {
        one.pattern
        for whole in (walk(7), walk(7, level=0.0, pause=78))
        for _, seen in every_bar(whole, detector.bars_needed)
        for one in run([detector], seen)
    }

    assert detector.version == "1"
    assert found
    assert found <= set(NAMES)


@pytest.mark.parametrize("one", load_series(), ids=lambda one: one.symbol)
def test_on_the_bundled_series_they_tell_less_than_the_candles_do(one):
    whole = window_of_series(one)
    detectors = [kind() for kind in KINDS]
    newest = range(max(0, len(whole) - 500), len(whole))

    told_at = [run(detectors, whole.between(max(0, place - 450), place + 1)) for place in newest]

    assert sum(map(len, told_at)) < len(newest)


@pytest.mark.parametrize(
    ("kind", "parameter", "value", "problem"),
    [
        (beyond_candles.RelativeVolume, "bars", 1, "bars must be a whole number from 2 to 1000, not 1"),
        (beyond_candles.RelativeVolume, "times", 0, "times must be above 0"),
        (beyond_candles.Gap, "least", math.nan, "least must be above 0"),
        (beyond_candles.NewExtremes, "rest", 56, "rest must be a whole number from 1 to 55"),
        (beyond_candles.SessionExtremes, "settle_min", True, "settle_min must be a whole number"),
        (beyond_candles.RangeBreakout, "max_height_atr", -1, "max_height_atr must be above 0"),
        (beyond_candles.AverageCross, "fast", 200, "fast must be a whole number from 1 to 199"),
        (beyond_candles.RsiDivergence, "extreme", 51, "extreme must be above 0 and at most 50"),
        (beyond_candles.Squeeze, "least", 0, "least must be a whole number"),
        (beyond_candles.DoubleTurn, "alike", 1.5, "alike must be above 0 and at most 1"),
    ],
)
def test_a_parameter_out_of_its_bounds_is_refused_by_name(kind, parameter, value, problem):
    with pytest.raises(ValueError, match=problem):
        kind(**{parameter: value})
