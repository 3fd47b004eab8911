"""Latency figures."""

from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.domain import latency

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
UNIX = int(T0.timestamp())


@pytest.mark.parametrize(
    ("values", "percent", "result"),
    [
        pytest.param([], 95, None, id="no bars, no figure"),
        pytest.param([7], 95, 7, id="one bar is its own p95"),
        pytest.param(list(range(1, 101)), 95, 95, id="the 95th of 100"),
        pytest.param(list(range(1, 101)), 7, 7, id="no rounding error at 7 %"),
        pytest.param([5, 1, 9], 100, 9, id="the greatest"),
        pytest.param([5, 1, 9], 1, 1, id="the least"),
    ],
)
def test_a_percentile_is_a_latency_that_occurred(values, percent, result):
    assert latency.percentile(values, percent) == result


@pytest.mark.parametrize("percent", [0, 101, -1])
def test_a_percentile_outside_of_1_to_100_is_refused(percent):
    with pytest.raises(ValueError, match="1 to 100"):
        latency.percentile([1], percent)


def test_rolling_figures_keep_the_last_hundred():
    pairs = [[ms, UNIX] for ms in range(100)]

    figures = latency.rolling(pairs, 1000, T0, counts=True)

    assert len(figures.latencies) == 100
    assert figures.latencies[0] == [1, UNIX]
    assert figures.latencies[-1] == [1000, UNIX]
    assert (figures.p95_ms, figures.longest_ms) == (95, 1000)


def test_a_held_bar_stays_out_of_the_rolling_figures():
    figures = latency.rolling([[10, UNIX]], 60_000, T0, counts=False)

    assert figures == latency.Figures([[10, UNIX]], avg_ms=10, p95_ms=10, longest_ms=10)


def test_a_first_held_bar_leaves_figures_of_zero():
    assert latency.rolling([], 60_000, T0, counts=False) == latency.Figures([], avg_ms=0, p95_ms=0, longest_ms=0)


def test_figures_older_than_five_minutes_fire_no_alert():
    pairs = [[900, UNIX]] * 20 + [[10, UNIX + 301]] * 20

    assert latency.fresh_p95(pairs, T0 + timedelta(seconds=300)) == 900
    assert latency.fresh_p95(pairs, T0 + timedelta(seconds=301)) == 10
    assert latency.fresh_p95(pairs, T0 + timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("old", "fresh", "judged"),
    [
        pytest.param([], [900] * 19, None, id="nineteen bars are no figure"),
        pytest.param([], [900] * 20, 900, id="twenty are"),
        pytest.param([10] * 18, [900, 900], 900, id="few fresh bars, with two slow ones of the last twenty"),
        pytest.param([10] * 19, [900], 10, id="one slow bar alone is not the figure"),
        pytest.param([900] * 80, [10] * 5, 10, id="old slow bars alone are not the figure"),
        pytest.param([900] * 20, [], None, id="nothing fresh"),
    ],
)
def test_neither_one_slow_bar_nor_old_ones_alone_are_judged(old, fresh, judged):
    pairs = [[ms, UNIX - 301] for ms in old] + [[ms, UNIX] for ms in fresh]

    assert latency.fresh_p95(pairs, T0) == judged


def test_clocks_out_of_step_make_no_negative_latency():
    assert latency.milliseconds(T0, T0 - timedelta(seconds=1)) == 0
    assert latency.milliseconds(T0, T0 + timedelta(seconds=1.2345)) == 1234
