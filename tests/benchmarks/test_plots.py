"""What the plots show, as values; and, where matplotlib is, that a file changes when its rows do, and only then."""

from typing import Any

import pytest

from benchmarks import report, series
from benchmarks.series import Measured
from benchmarks.tables import BARE, CEILING, OURS

BOTH = {"rate": 500.0, "rate_rounds": [480.0, 500.0], "p95_ms": 9.0, "p95_rounds_ms": [8.0, 9.0, 12.0]}


def test_rates_are_grouped_by_case_and_pool_with_the_range_of_their_rounds():
    rows = [
        {"case": CEILING, "pool": "prefork 8", "rate": 800, "rounds": [790, 800, 900]},
        {"case": OURS, "pool": "prefork 8", "rate": 500, "rounds": [500]},
    ]

    assert series.by_pool(rows) == {
        CEILING: {"prefork 8": Measured(value=800, low=790, high=900)},
        OURS: {"prefork 8": Measured(value=500, low=500, high=500)},
    }


def test_growth_is_in_the_order_of_size_and_leaves_other_cases_out():
    rows = [
        {"case": "1,000 symbols", **BOTH},
        {"case": "10 symbols", **BOTH},
        {"case": "180 symbols", "p95_ms": 13.0, "p95_rounds_ms": [13.0], "rate_rounds": []},
        {"case": "history of 1,000 bars", **BOTH},
        {"case": "backlog of 20,000 bars", "rate": 490.0, "rate_rounds": [490.0], "p95_rounds_ms": []},
    ]

    found = series.by_size(rows, "{} symbols", "p95_ms", "p95_rounds_ms")

    assert found == [(size, Measured(value=9.0, low=8.0, high=12.0)) for size in (10, 1_000)]
    assert [size for size, _ in series.by_size(rows, "history of {} bars", "rate", "rate_rounds")] == [1_000]


def test_rounds_of_growth_may_have_rows_of_their_own():
    rows = [{"name": "10 symbols", "rate": 500.0, "p95_ms": p95_ms} for p95_ms in (9.0, 8.0, 12.0)]

    found = series.by_size(rows, "{} symbols", "p95_ms", "p95_rounds_ms")

    assert found == [(10, Measured(value=9.0, low=8.0, high=12.0))]


@pytest.mark.parametrize(
    ("lost", "doubled", "out_of_order", "words"),
    [
        pytest.param(0, 0, 0, "nothing lost, doubled or out of order", id="nothing"),
        pytest.param(3, 11, 1_218, "3 lost, 11 doubled, 1,218 out of order", id="all"),
        pytest.param(0, 7, 0, "7 doubled", id="one kind"),
    ],
)
def test_of_a_peer_is_said_what_went_wrong(lost, doubled, out_of_order, words):
    row = {"kill_lost": lost, "kill_doubled": doubled, "kill_out_of_order": out_of_order}

    assert series.account(row) == words


def test_memory_is_a_line_for_each_process_with_its_children_in_order_of_time():
    rows: list[dict[str, Any]] = [
        {"process": "web", "part": "parent", "minute": 0.5, "pss_mb": 41.0},
        {"process": "web", "part": "children, sum", "minute": 0.5, "pss_mb": 141.0},
        {"process": "web", "part": "children, largest", "minute": 0.5, "pss_mb": 71.0},
        {"process": "web", "part": "parent", "minute": 0.0, "pss_mb": 40.0},
        {"process": "broker", "minute": 0.0, "pss_mb": 30.0},
        {"process": "all", "part": "sum", "minute": 0.0, "pss_mb": 70.0},
        {"minute": 0.0, "bars": 100},
    ]

    assert series.memory(rows) == {"web": [(0.0, 40.0), (0.5, 182.0)], "broker": [(0.0, 30.0)]}


def test_a_long_line_is_thinned_between_its_ends():
    points = [(float(minute), 100.0) for minute in range(1_000)]

    found = series.thinned(points, 50)

    assert (len(found), found[0], found[-1]) == (50, points[0], points[-1])
    assert series.thinned(points[:50], 50) == points[:50]


PEER = {"peer": "a", "bars_per_second": 48.0, "kill_lost": 0, "kill_doubled": 0, "kill_out_of_order": 0}
FED = {"case": OURS, "feed": "100/s, spread", "rate": 100, "p50_ms": 6.6, "p95_ms": 9.3, "p99_ms": 11.3}
ROWS: dict[str, list[dict[str, Any]]] = {
    "engine": [{"case": case, "pool": "prefork 8", "rate": 500, "rounds": [500]} for case in (CEILING, BARE, OURS)],
    "engine-latency": [FED],
    "growth": [{"case": "10 symbols", **BOTH}],
    "peers": [PEER],
    "memory-series": [
        {"process": f"process {number}", "minute": minute, "pss_mb": 100 + (minute * 7919 + number) % 97}
        for number in range(25)
        for minute in range(600)
    ],
}
"""By measurement; the last one as crowded as it may become."""


@pytest.mark.parametrize("measurement", report.DESCRIPTIONS)
def test_a_plot_is_small_and_the_same_whenever_its_rows_are(measurement, tmp_path):
    pytest.importorskip("matplotlib")
    from benchmarks import drawing

    files = [tmp_path / "first.svg", tmp_path / "second.svg"]
    for file in files:
        assert drawing.draw(measurement, ROWS[measurement], file)

    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size < 60_000


@pytest.mark.parametrize("measurement", ["growth", "memory-series"])
def test_rows_of_which_nothing_can_be_shown_make_no_file(measurement, tmp_path):
    pytest.importorskip("matplotlib")
    from benchmarks import drawing

    assert not drawing.draw(measurement, [{"case": "180 symbols"}], tmp_path / "none.svg")
    assert not list(tmp_path.iterdir())


def test_each_plot_is_described():
    drawing = pytest.importorskip("benchmarks.drawing", exc_type=ImportError)

    assert drawing.PLOTS.keys() == report.DESCRIPTIONS.keys()
