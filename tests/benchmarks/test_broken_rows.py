"""Whether two runs have the same signals, row for row, and what must be 0."""

from collections import Counter

import pytest

from benchmarks import broken_rows, goal_tables
from benchmarks.broken_rows import LABELS, Result

ONE = ("S1", "1m", "2026-01-01 00:00:00", "candlesticks", "CDLDOJI", "neutral", 1.0)
OTHER = ("S1", "1m", "2026-01-01 00:00:00", "candlesticks", "CDLHAMMER", "bullish", 1.0)
OWN = ("S1", "1m", "2026-01-01 00:00:00", "breakable", "SUM", "neutral", 300.0)


def run_with(*signals):
    figures: dict[str, float] = {name: 1 for name in LABELS if name not in {"others_differ", "own_differ"}}
    return Result(Counter(signals), figures)


@pytest.mark.parametrize(
    ("signals", "others", "own"),
    [
        pytest.param([OWN, OTHER, ONE], 0, 0, id="the same, in another order"),
        pytest.param([ONE, OWN], 1, 0, id="one is missing"),
        pytest.param([ONE, OTHER, OTHER, OWN], 1, 0, id="one is there twice"),
        pytest.param([ONE, OTHER], 0, 1, id="one of its own was not made up for"),
        pytest.param([ONE, (*OTHER[:-1], 0.5), OWN], 2, 0, id="one has another strength"),
    ],
)
def test_signals_differ_that_only_one_of_both_runs_has(signals, others, own):
    rows = broken_rows.rows_of(run_with(ONE, OTHER, OWN), [run_with(*signals)])

    found = {row["name"]: row["broken"] for row in rows}
    assert (found["others_differ"], found["own_differ"]) == (others, own)


def test_the_worst_round_counts_where_nothing_may_differ_and_the_median_elsewhere():
    slow = run_with(ONE)
    slow.figures["all_s"] = 9
    rows = broken_rows.rows_of(run_with(ONE), [run_with(ONE), run_with(), slow])

    found = {row["name"]: row["broken"] for row in rows}
    assert (found["others_differ"], found["all_s"]) == (1, 1)


def test_the_table_has_a_line_for_each_figure():
    rows = broken_rows.rows_of(run_with(ONE), [run_with(ONE)])

    assert len(goal_tables.broken_detector(rows).splitlines()) == 2 + len(LABELS)
