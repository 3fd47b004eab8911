"""What signals were worth: by hand on small series, and on random walks, where nothing may be worth anything."""

import numpy as np
import pytest

from scanner_app.domain.enums import WorthVerdict
from scanner_app.signals.worth import DAY_S, Kind, Study

UP = Kind("d", "up", "bullish", "1d")
DOWN = Kind("d", "down", "bearish", "1d")
NOWHERE = Kind("d", "flat", "neutral", "1d")


def days(count):
    return np.arange(count, dtype=np.int64) * DAY_S


def places(*numbers):
    return np.array(numbers, dtype=np.intp)


def study_of(close, signals, *, horizons=(1,)):
    study = Study(horizons)
    close = np.array(close, dtype=float)
    study.add_series(days(len(close)), close, signals, timeframe_s=DAY_S)
    return study.results()


def test_figures_of_a_small_series_by_hand():
    # Returns after one bar: +10 %, -10 %, 0, +50 %; of the last bar none is known.
    (found,) = study_of([100, 110, 99, 99, 148.5], {UP: places(0, 2, 4)})

    assert (found.count, found.clusters, found.horizon) == (2, 2, 1)
    assert found.mean_return == pytest.approx(0.05)
    assert found.baseline_return == pytest.approx(0.2)  # of -10 % and +50 %
    assert found.hit_rate == 0.5
    assert found.baseline_hit_rate == 0.5
    assert found.lift == pytest.approx(-0.15)
    assert (found.lift_low, found.lift_high, found.verdict) == (None, None, WorthVerdict.TOO_FEW)


def test_signals_that_point_down_count_what_falls():
    (found,) = study_of([100, 110, 99, 99, 148.5], {DOWN: places(1)})

    assert found.hit_rate == 1
    assert found.mean_return == pytest.approx(-0.1)
    assert found.lift == pytest.approx(0.1 + 0.2)  # the others rose by 20 %


def test_what_has_no_bars_after_it_or_no_bars_without_it_is_not_counted():
    assert study_of([1, 2, 3], {UP: places(2)}) == []
    assert study_of([1, 2, 3], {UP: places(0, 1, 2)}) == []
    assert study_of([1, 2], {UP: places(0)}, horizons=(5,)) == []
    assert study_of([], {UP: places()}) == []


def test_prices_of_zero_or_less_have_no_return():
    (found,) = study_of([1, 0, -1, 2, 3, 3, 3], {NOWHERE: places(0, 1, 2, 3)})

    assert found.count == 1
    assert found.mean_return == pytest.approx(0.5)


def test_the_baseline_is_that_of_each_signals_own_series():
    study = Study((1,))
    for close, marked in (([1, 2, 4, 8, 16], (0,)), ([8, 4, 2, 1, 0.5], (0, 1))):
        study.add_series(days(5), np.array(close, dtype=float), {UP: places(*marked)}, timeframe_s=DAY_S)

    (found,) = study.results()

    assert found.baseline_return == pytest.approx((1 - 0.5 - 0.5) / 3)
    assert found.lift == pytest.approx(0)


def walk(rng, bars, *, market=None):
    own = rng.standard_normal(bars)
    moves = own if market is None else 0.7 * market + 0.7 * own
    return 100 * np.exp(np.cumsum(0.01 * moves)), moves


def test_on_random_walks_no_more_shows_an_edge_than_the_interval_says():
    """A thousand series in markets of ten, whose signals come on days when the market moved: in clusters."""
    rng = np.random.default_rng(18)
    edges = total = 0
    for market_number in range(100):
        study = Study((1, 5, 10))
        market = rng.standard_normal(600)
        for _ in range(10):
            close, moves = walk(rng, 600, market=market)
            signals = {
                Kind(f"m{market_number}", f"p{number}", direction, "1d"): np.flatnonzero(
                    (sign * moves > 0.5 * number) & (rng.random(600) < 0.5)
                )
                for number in range(2)
                for direction, sign in (("bullish", 1), ("bearish", -1))
            }
            study.add_series(days(600), close, signals, timeframe_s=DAY_S)
        judged = [one for one in study.results() if one.verdict != WorthVerdict.TOO_FEW]
        total += len(judged)
        edges += sum(one.verdict == WorthVerdict.EDGE for one in judged)

    assert total > 1_000
    assert edges / total <= 0.05


def test_a_thousand_symbols_on_few_days_are_few_observations():
    rng = np.random.default_rng(1)
    study = Study((1,))
    for _ in range(200):
        close, _ = walk(rng, 300)
        study.add_series(days(300), close, {UP: places(10, 20, 30, 40, 50)}, timeframe_s=DAY_S)

    (found,) = study.results()

    assert (found.count, found.clusters, found.verdict) == (1_000, 5, WorthVerdict.TOO_FEW)


def test_a_planted_edge_of_55_percent_is_found():
    """After each signal the price rises with a probability of 55 %, elsewhere of 50 %."""
    rng = np.random.default_rng(2)
    study = Study((1,))
    for _ in range(30):
        marked = rng.random(2_000) < 0.1
        chance = np.where(np.roll(marked, 1), 0.55, 0.5)
        moves = np.where(rng.random(2_000) < chance, 0.01, -0.01)
        study.add_series(days(2_000), np.exp(np.cumsum(moves)), {UP: np.flatnonzero(marked)}, timeframe_s=DAY_S)

    (found,) = study.results()

    assert found.verdict == WorthVerdict.EDGE
    assert found.hit_rate == pytest.approx(0.55, abs=0.02)
    assert found.baseline_hit_rate == pytest.approx(0.5, abs=0.01)
    assert found.lift_low is not None
    assert found.lift_high is not None
    assert found.lift_low < 0.001 < found.lift_high
