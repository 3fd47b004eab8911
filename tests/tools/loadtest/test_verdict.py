"""The verdict: what counts as lost, doubled, out of order, slow or too little."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.tools.loadtest.verdict import Fault, ReadBack, Row, achieved_rate, examine, problems

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TIMES = [T0 + place * SECOND for place in range(4)]


def row(place, **values):
    """Bar `place` of a symbol, as it should be."""
    made = Row(
        sequence=place + 1,
        timestamp=TIMES[place],
        status="processed",
        finished_at=T0 + 60 * SECOND + place * SECOND,
        latency_ms=10,
    )
    return replace(made, **values)


def rows(**changed):
    """Four bars as they should be, except bar n by `bar_n`; None leaves it out."""
    made = [row(place, **(changed.get(f"bar_{place}", {}) or {})) for place in range(4)]
    return [each for place, each in enumerate(made) if changed.get(f"bar_{place}", {}) is not None]


WAITING = {"status": "waiting", "finished_at": None, "latency_ms": None}


@pytest.mark.parametrize(
    ("read", "counted", "faults"),
    [
        pytest.param(rows(), 4, {}, id="all well"),
        pytest.param(rows()[::-1], 4, {}, id="all well, listed newest first"),
        pytest.param(rows(bar_3=None), 3, {Fault.LOST: 1}, id="the last one lost"),
        pytest.param([], 0, {Fault.LOST: 4}, id="all lost"),
        pytest.param(rows(bar_1=None), 3, {Fault.LOST: 1, Fault.GAP: 1}, id="lost after it was numbered"),
        pytest.param(rows(bar_3=WAITING), 3, {Fault.UNFINISHED: 1}, id="the last still waits"),
        pytest.param(rows(bar_3=WAITING | {"status": "processing"}), 3, {Fault.UNFINISHED: 1}, id="the head is stuck"),
        pytest.param(rows(bar_2={"status": "quarantined"}), 3, {Fault.QUARANTINED: 1}, id="in quarantine"),
        pytest.param(rows(bar_2={"status": "discarded"}), 3, {Fault.DISCARDED: 1}, id="discarded"),
        pytest.param(rows(), 5, {Fault.DOUBLED: 1}, id="counted twice"),
        pytest.param(rows(), 3, {Fault.UNCOUNTED: 1}, id="processed, but not counted"),
        pytest.param([*rows(), row(3, sequence=5)], 5, {Fault.DOUBLED: 1}, id="stored twice"),
        pytest.param(rows(bar_3={"sequence": 3}), 4, {Fault.DOUBLED: 1}, id="a number given out twice"),
        pytest.param(rows(bar_3={"sequence": 5}), 4, {Fault.GAP: 1}, id="a number left out"),
        pytest.param(
            [*rows(), row(3, sequence=5, timestamp=T0 + 9 * SECOND)], 5, {Fault.UNASKED: 1}, id="a bar that nobody sent"
        ),
        pytest.param(
            rows(bar_1={"timestamp": TIMES[2]}, bar_2={"timestamp": TIMES[1]}),
            4,
            {Fault.OUT_OF_ORDER: 1},
            id="accepted out of order",
        ),
        pytest.param(
            rows(bar_2={"finished_at": T0 + 60.5 * SECOND}),
            4,
            {Fault.OUT_OF_ORDER: 1},
            id="finished before the one before",
        ),
        pytest.param(rows(bar_2={"finished_at": T0 + 61 * SECOND}), 4, {}, id="finished in the same instant"),
        pytest.param(
            rows(bar_2=WAITING), 3, {Fault.UNFINISHED: 1, Fault.OUT_OF_ORDER: 1}, id="overtaken by the one behind"
        ),
    ],
)
def test_what_is_wrong_with_a_symbols_bars(read, counted, faults):
    found = examine({"A": set(TIMES)}, {}, {"A": ReadBack(rows=read, bars_processed=counted)})

    assert found.faults == {fault: {"A": count} for fault, count in faults.items()}


@pytest.mark.parametrize(
    ("read", "counted", "backlog", "faults"),
    [
        pytest.param(rows(bar_3=WAITING), 1, 3, {Fault.UNFINISHED: 3}, id="some done between the status and the bars"),
        pytest.param(rows(), 3, 1, {Fault.UNFINISHED: 1}, id="all done by then, but not in time"),
        pytest.param(rows(), 5, 1, {Fault.UNFINISHED: 1, Fault.DOUBLED: 1}, id="counted twice all the same"),
    ],
)
def test_a_symbol_that_is_still_at_work_is_too_late_but_not_miscounted(read, counted, backlog, faults):
    found = examine({"A": set(TIMES)}, {}, {"A": ReadBack(rows=read, bars_processed=counted, backlog=backlog)})

    assert found.faults == {fault: {"A": count} for fault, count in faults.items()}


def test_each_symbol_is_examined_by_itself():
    accepted = {"A": set(TIMES), "B": set(TIMES), "C": set(TIMES)}
    bars = {"A": ReadBack(rows=rows(), bars_processed=4), "B": ReadBack(rows=rows(bar_3=None), bars_processed=3)}

    found = examine(accepted, {}, bars)

    assert found.faults == {Fault.LOST: {"B": 1}}
    assert found.processed == 7, "C was not read back: it is not judged"


@pytest.mark.parametrize("read", [rows(), rows(bar_3=None)], ids=["it is there", "it is not there"])
def test_a_bar_without_an_answer_is_no_fault_either_way(read):
    found = examine({"A": set(TIMES[:3])}, {"A": {TIMES[3]}}, {"A": ReadBack(rows=read, bars_processed=len(read))})

    assert found.faults == {}


def test_latency_is_over_all_processed_bars_and_the_worst_symbol_is_named():
    quick = [row(place, latency_ms=10 * (place + 1)) for place in range(4)]
    slow = [row(0, latency_ms=150), row(1, latency_ms=90), row(2, status="quarantined", latency_ms=9_000)]

    found = examine(
        {"A": set(TIMES), "B": set(TIMES[:3])},
        {},
        {"A": ReadBack(rows=quick, bars_processed=4), "B": ReadBack(rows=slow, bars_processed=2)},
    )

    latency = found.latency
    assert (latency.p50, latency.p95, latency.p99, latency.max) == (30, 150, 150, 150)
    assert (found.worst_symbol, found.worst_p95_ms) == ("B", 150)


def test_the_first_bars_of_new_symbols_and_the_last_of_each_round_are_told_apart():
    a = [row(0, sequence=1, latency_ms=60), row(1, sequence=2, latency_ms=10), row(2, sequence=3, latency_ms=15)]
    b = [row(0, sequence=1, latency_ms=80), row(1, sequence=2, latency_ms=30)]

    found = examine(
        {"A": set(TIMES[:3]), "B": set(TIMES[:2])},
        {},
        {"A": ReadBack(rows=a, bars_processed=3), "B": ReadBack(rows=b, bars_processed=2)},
    )

    assert (found.first.p50, found.first.max) == (60, 80)
    assert (found.rounds.p50, found.rounds.max) == (30, 80)  # of 80, 30 and 15
    assert found.latency.max == 80, "a cold start counts"


@pytest.mark.parametrize(
    ("latencies", "parts"),
    [
        pytest.param([10, 20, 30], [10, 20, 30], id="fewer bars than parts"),
        pytest.param([*range(1, 13)], [2, 4, 6, 8, 10, 12], id="two bars a part"),
        pytest.param([*range(1, 8)], [2, 4, 6, 7], id="the last part is what is left"),
    ],
)
def test_the_p95_is_told_over_time(latencies, parts):
    times = [T0 + place * SECOND for place in range(len(latencies))]
    made = [row(0, sequence=n + 1, timestamp=times[n], latency_ms=latencies[n]) for n in range(len(latencies))]

    found = examine({"A": set(times)}, {}, {"A": ReadBack(rows=made[::-1], bars_processed=len(made))})

    assert found.p95_by_part == parts


def test_without_any_bar_there_are_no_figures():
    found = examine({}, {}, {})

    assert (found.processed, found.latency.p95, found.latency.max, found.worst_symbol) == (0, None, None, None)
    assert found.p95_by_part == []


def judged(read=None, **values):
    found = examine({"A": set(TIMES)}, {}, {"A": ReadBack(rows=rows() if read is None else read, bars_processed=4)})
    return problems(found, **{"accepted": 4, "rate": 100.0, "achieved": 99.8, "rejected": {}, **values})


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({}, [], id="good"),
        pytest.param({"read": [row(p, latency_ms=199) for p in range(4)]}, [], id="just quick enough"),
        pytest.param(
            {"read": [row(p, latency_ms=200) for p in range(4)]}, ["p95 200 ms is not below 200 ms"], id="too slow"
        ),
        pytest.param({"achieved": 95.0}, [], id="just enough"),
        pytest.param(
            {"achieved": 94.94}, ["only 94.9 bars/s of the asked 100, 95% are needed"], id="less than was asked"
        ),
        pytest.param(
            {"accepted": 0, "achieved": 0.0},
            ["no bar was accepted", "only 0.0 bars/s of the asked 100, 95% are needed"],
            id="nothing at all",
        ),
        pytest.param(
            {"rejected": {"backlog_full": 1_200, "too_old": 0}}, ["1,200 bars rejected as backlog_full"], id="rejected"
        ),
        pytest.param(
            {"conflicts": 1},
            ["1 bar in conflict with others of the same time: the symbols were not fresh"],
            id="in conflict",
        ),
        pytest.param({"unread": 1}, ["1 symbol not read back"], id="not read back"),
        pytest.param({"trouble": ["the plug was pulled"]}, ["the plug was pulled"], id="trouble before"),
        pytest.param(
            {"read": [row(p, status="quarantined") for p in range(4)]},
            ["4 bars doubled: stored or counted twice (A)", "4 bars in quarantine (A)"],
            id="faults with their symbols",
        ),
    ],
)
def test_what_makes_the_verdict_bad(values, named):
    assert sorted(judged(**values)) == sorted(named)


def test_only_the_worst_symbols_are_named():
    accepted = {name: set(TIMES) for name in "ABCDE"}
    bars = {name: ReadBack(rows=rows(), bars_processed=4) for name in "ABCDE"} | {
        "E": ReadBack(rows=rows(bar_2=None, bar_3=None), bars_processed=2),
        **{name: ReadBack(rows=rows(bar_3=None), bars_processed=3) for name in "ABC"},
    }

    named = problems(examine(accepted, {}, bars), accepted=20, rate=1, achieved=1, rejected={})

    assert named == ["5 bars lost: accepted, but not in the list of bars (E, A, B and 1 more)"]


@pytest.mark.parametrize(
    ("accepted", "elapsed_s", "planned_s", "rate"),
    [
        pytest.param(6_000, 59.99, 60.0, 100.0, id="the last post is before the end"),
        pytest.param(6_000, 75.0, 60.0, 80.0, id="late"),
        pytest.param(100, 2.0, 0.0, 50.0, id="ended early"),
        pytest.param(0, 0.0, 0.0, 0.0, id="ended before it began"),
    ],
)
def test_the_achieved_rate(accepted, elapsed_s, planned_s, rate):
    assert achieved_rate(accepted, elapsed_s=elapsed_s, planned_s=planned_s) == rate
