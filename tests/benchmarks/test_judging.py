"""The rows of the rules on a running scanner."""

from benchmarks import goal_tables, judging


def test_the_median_of_the_rounds_is_beside_that_without_rules():
    rest = {"cpu_ms": 3.0, "hits": 0.0, "fed_rate": 100.0, "p50_ms": 7.0, "p99_ms": 9.0}
    none = [{"rate": rate, "p95_ms": 10.0, **rest} for rate in (390.0, 400.0, 500.0)]
    many = [{"rate": rate, "p95_ms": 15.0, **rest} for rate in (300.0, 100.0, 200.0)]

    rows = judging._rows({0: none, 200: many})

    assert [(row["rules"], row["rate"], row["rate_ratio"], row["p95_ratio"]) for row in rows] == [
        (0, 400.0, 1.0, 1.0),
        (200, 200.0, 0.5, 1.5),
    ]
    assert "390 400 500" in goal_tables.judging(rows)
