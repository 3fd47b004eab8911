"""The table of the goals: which figures are read from what was stored, and whether they are met."""

import json

import pytest

from benchmarks import goals


def stored(folder, name, rows):
    (folder / f"{name}.json").write_text(json.dumps({"machine": {"date": "2026-01-01T00:00:00+00:00"}, "rows": rows}))


def test_a_goal_is_judged_for_each_database_that_was_measured(tmp_path):
    stored(tmp_path, "first-sqlite", [{"value_ms": 49.9}])
    stored(tmp_path, "first-postgresql", [{"value_ms": 50.1}])

    rows = goals.judged(tmp_path)

    assert [(row["figure"], row["database"], row["met"]) for row in rows] == [
        ("first bar of a new symbol, p95", "sqlite", True),
        ("first bar of a new symbol, p95", "postgresql", False),
    ]


def test_rows_that_lack_the_figure_are_not_judged(tmp_path):
    stored(tmp_path, "first-sqlite", [{"another": 1}])

    assert goals.judged(tmp_path) == []


def test_the_largest_burst_is_the_last_one_under_the_limit():
    rows = [{"size": 20, "value_ms": 70.0}, {"size": 50, "value_ms": 199.9}, {"size": 100, "value_ms": 200.0}]

    assert goals._largest_burst(rows) == 50


@pytest.mark.parametrize(
    ("figures", "more_is_worse", "percent"),
    [
        pytest.param([10, 11, 15], True, 50.0, id="the worst of all cases counts"),
        pytest.param([10, 8, 9], True, 0.0, id="better is not worse"),
        pytest.param([100, 90, 120], False, 10.0, id="a rate is worse when it is lower"),
        pytest.param([10], True, None, id="one case alone has nothing beside it"),
    ],
)
def test_how_much_worse_the_worst_case_is_than_the_first(figures, more_is_worse, percent):
    rows = [{"name": f"case {place}", "figure": figure} for place, figure in enumerate(figures)]

    assert goals._worse_by("figure", more_is_worse=more_is_worse)(rows) == percent


def test_only_peers_that_keep_the_order_are_beside_us():
    right = {"retry_out_of_order": 0, "kill_out_of_order": 0, "kill_lost": 0}
    rows = [
        {"peer": "the scanner", "bars_per_second": 400, **right},
        {"peer": "orderly", "bars_per_second": 200, **right},
        {"peer": "quick and wrong", "bars_per_second": 3_000, **right, "kill_out_of_order": 7},
    ]

    assert goals._beside_peers("bars_per_second", most=True)(rows) == 2.0
