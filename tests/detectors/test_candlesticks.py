import numpy as np
import pytest
import talib
from talib import abstract

from scanner_app.detectors import Signal, candlesticks, run
from scanner_app.detectors.candlesticks import Candlesticks
from scanner_app.feeds.bundled import load_series

from .samples import every_bar, window, window_of_series

FUNCTIONS = sorted(talib.get_function_groups()["Pattern Recognition"])
SERIES = load_series()


def by_the_whole_series(whole):
    """What TA-Lib finds, run once over the series: for each bar {(pattern, direction, strength)}."""
    found: list[set[tuple[str, str, int]]] = [set() for _ in range(len(whole))]
    for name in FUNCTIONS:
        values = getattr(talib, name)(whole.open, whole.high, whole.low, whole.close)
        for index in np.flatnonzero(values):
            direction = "bullish" if values[index] > 0 else "bearish"
            found[index].add((name, direction, abs(int(values[index]))))
    return found


def bar_by_bar(whole):
    detector = Candlesticks()
    return [
        {(each.pattern, each.direction, each.strength) for each in run([detector], seen)}
        for _, seen in every_bar(whole, detector.bars_needed)
    ]


def random_walk(bars, *, tick, reach, seed):
    """Prices on a coarse grid, so that bodies and shadows are often exactly equal."""
    rng = np.random.default_rng(seed)
    close = 10_000 + rng.integers(-reach, reach + 1, bars).cumsum()
    opened = np.r_[close[0], close[:-1]] + rng.integers(-reach, reach + 1, bars)
    high = np.maximum(opened, close) + rng.integers(0, reach + 1, bars)
    low = np.minimum(opened, close) - rng.integers(0, reach + 1, bars)
    return window(close * tick, open=opened * tick, high=high * tick, low=low * tick)


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.symbol)
def test_each_bar_gives_the_very_signals_of_one_run_over_the_whole_series(series):
    whole = window_of_series(series)
    expected = by_the_whole_series(whole)

    assert bar_by_bar(whole) == expected
    assert sum(map(len, expected)) > len(whole)  # about two a bar, so nothing is vacuous here


@pytest.mark.parametrize(
    ("tick", "reach"),
    [
        pytest.param(0.01, 3, id="a few cents, ties in most bars"),
        pytest.param(0.01, 200, id="cents, wide bars"),
        pytest.param(1.0, 2, id="whole numbers, hardly moving"),
    ],
)
def test_ties_do_not_make_a_window_differ_from_the_whole_series(tick, reach):
    whole = random_walk(3000, tick=tick, reach=reach, seed=7)

    assert bar_by_bar(whole) == by_the_whole_series(whole)


@pytest.mark.parametrize(
    ("value", "signal"),
    [
        pytest.param(100, Signal("CDLFAKE", "bullish", 100), id="positive is bullish"),
        pytest.param(-100, Signal("CDLFAKE", "bearish", 100), id="negative is bearish"),
        pytest.param(-80, Signal("CDLFAKE", "bearish", 80), id="the weaker form stays 80"),
        pytest.param(200, Signal("CDLFAKE", "bullish", 200), id="the confirmed form stays 200"),
        pytest.param(0, None, id="0 is no signal"),
    ],
)
def test_direction_is_the_sign_and_strength_the_magnitude(monkeypatch, value, signal):
    values = np.array([100, 100, value], dtype=np.int32)
    monkeypatch.setattr(candlesticks, "_PATTERNS", (("CDLFAKE", lambda *prices: values),))

    assert list(Candlesticks().detect(window([1, 2, 3]))) == ([] if signal is None else [signal])


def test_the_bundled_series_show_every_magnitude_and_both_signs():
    everything = set().union(*(bar for each in SERIES for bar in by_the_whole_series(window_of_series(each))))

    assert {(direction, strength) for _, direction, strength in everything} == {
        (direction, strength) for direction in ("bullish", "bearish") for strength in (80, 100, 200)
    }


def test_a_doji_is_bullish_because_talib_says_plus_100():
    flat = window([10.0] * 15)  # opens where it closes, in bars 2 high

    assert Signal("CDLDOJI", "bullish", 100) in list(Candlesticks().detect(flat))


def test_all_61_functions_are_asked():
    assert len(FUNCTIONS) == 61
    assert [name for name, _ in candlesticks._PATTERNS] == FUNCTIONS


def test_the_window_is_one_bar_longer_than_the_longest_lookback():
    longest = max(getattr(abstract, name).lookback for name in FUNCTIONS)

    assert Candlesticks.bars_needed == longest + 1


@pytest.mark.parametrize("bars", range(1, 15))
def test_too_few_bars_are_no_error(bars):
    seen = window_of_series(SERIES[0]).last(bars)

    assert {each.pattern for each in Candlesticks().detect(seen)} <= set(FUNCTIONS)


@pytest.mark.parametrize("gap", [0, 7, 13])
def test_a_gap_of_nan_in_older_bars_is_no_error(gap):
    close = np.linspace(10, 11, 15)
    close[gap] = np.nan

    assert {each.pattern for each in Candlesticks().detect(window(close))} <= set(FUNCTIONS)
