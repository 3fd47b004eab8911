"""The tables whose cells are more than a row's figures."""

import re

import pytest

from benchmarks import tables
from benchmarks.tables import CEILING, OURS, Table, spread


def engine_row(case: str, pool: str, of_celery: float, *, time_limits: bool = True) -> dict[str, object]:
    figures = {"rate": round(1_000 * of_celery), "rounds": [490, 510], "cpu_ms": 2.5, "of_own_ceiling": 0.5}
    parts = {"of_celery_ceiling": of_celery, "of_prefork_ceiling": of_celery - 0.1}
    return {"case": case, "pool": pool, "time_limits": time_limits, **parts, **figures}


def test_numbers_stand_to_the_right_and_words_to_the_left():
    table = Table("case", "bars/s")
    table.add("a", 1_234)
    table.add("longer", 5)

    assert str(table).splitlines() == [
        "| case   | bars/s |",
        "| ------ | -----: |",
        "| a      |  1,234 |",
        "| longer |      5 |",
    ]


def test_figures_of_rounds_are_never_powers_of_ten():
    assert spread([9.28, 1_134.4, 16_868.1, 130_000.0]) == "9.28 1,134 16,868 130,000"


@pytest.mark.parametrize(
    ("plain", "best", "kind", "verdicts"),
    [
        pytest.param(0.45, 0.6, "postgresql", ["met missed", "met missed"], id="both just reached"),
        pytest.param(0.44, 0.95, "sqlite", ["missed missed", "met met"], id="the best pool alone"),
        pytest.param(0.63, 0.8, "sqlite", ["met met", "missed missed"], id="SQLite's goal for the best pool is higher"),
    ],
)
def test_the_engine_is_judged_on_plain_prefork_and_the_best_pool_by_either_ceiling(plain, best, kind, verdicts):
    limitless = engine_row(OURS, "solo", best + 0.1, time_limits=False)
    rows = [engine_row(CEILING, "plain", 1.0), engine_row(OURS, "plain", plain), engine_row(OURS, "other", best)]

    *_, of_plain, of_limited, of_all = tables.engine([*rows, limitless], kind).splitlines()

    judged = [" ".join(re.findall(r"met|missed", line)) for line in (of_plain, of_limited)]
    assert judged == verdicts
    assert "(other)" in of_limited
    assert "(solo)" in of_all


def test_a_feed_without_a_goal_is_not_judged():
    row = {"case": OURS, "rate": 411, "p50_ms": 1.0, "p95_ms": 9.9, "p99_ms": 12.0, "p95_rounds_ms": [9.9]}

    table = tables.latency([{**row, "feed": "100/s, spread"}, {**row, "feed": "80 % of our ceiling, spread"}])

    assert [line.split("|")[-2].strip() for line in table.splitlines()[2:]] == ["10: met", "-"]


GROWN = {"group": "blocked", "name": "180 symbols", "symbols": 180, "once": False}


def test_a_case_of_growth_without_a_drained_backlog_has_a_dash_there():
    fed = {"p50_ms": 13.3, "p95_ms": 23.8, "p99_ms": 29.7, "fed_rate": 100.0, "load_1m": 1.0}

    assert "| 180 symbols | -  " in tables.growth([{**GROWN, **fed}])


def test_a_history_is_judged_by_the_shortest_one():
    def row(name: str, rate: float, cpu_ms: float) -> dict[str, object]:
        return {**GROWN, "group": "history", "name": name, "rate": rate, "cpu_ms": cpu_ms}

    *_, of_rate, of_cpu = tables.growth([row("short", 500, 3.0), row("long", 440, 3.2)]).splitlines()

    assert "long, bars/s drained beside a short: -12.0%, goal ±10%: missed" in of_rate
    assert "+6.7%, goal ±10%: met" in of_cpu


def test_forgetting_is_told_beside_the_same_without_it():
    def row(name: str, p95_ms: float, forgotten: int) -> dict[str, object]:
        return {**GROWN, "group": "retention", "name": name, "p95_ms": p95_ms, "forgotten": forgotten}

    *_, verdict = tables.growth([row("kept", 7.5, 0), row("forgotten meanwhile", 8.5, 30_000)]).splitlines()

    assert verdict == "- forgotten meanwhile: 30,000 forgotten; p95 8.5 ms, without that 7.5 ms"
