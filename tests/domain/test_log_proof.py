"""What figures prove, and each way in which they can contradict the promise."""

from dataclasses import replace

import pytest

from scanner_app.domain.log_proof import LogFigures, faults

WELL = LogFigures(
    head=9,
    cursor=8,
    last_sequence=10,
    bars_processed=6,
    processed=6,
    quarantined=1,
    discarded=0,
    waiting=2,
    waiting_first=9,
    waiting_last=10,
    done_last=8,
    done_first=1,
    renumbered=1,
    open_entries=1,
)


def test_figures_that_agree_prove_it():
    assert list(faults(WELL, forgets=False)) == []


def test_a_symbol_without_bars_is_proved():
    empty = LogFigures(
        head=None, cursor=0, last_sequence=0, bars_processed=0, processed=0, quarantined=0, discarded=0, waiting=0,
        waiting_first=None, waiting_last=None, done_last=None,
    )  # fmt: skip

    assert list(faults(empty, forgets=False)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"head": 10}, "the head is 10", id="not the bar after the cursor"),
        pytest.param({"head": None}, "the head is None", id="a backlog without a head"),
        pytest.param({"processed": 5}, "1 are missing", id="a bar is gone"),
        pytest.param({"renumbered": 0}, "1 are missing", id="a number that nobody explains"),
        pytest.param({"waiting": 1}, "1 bar wait", id="fewer wait than the row says"),
        pytest.param({"waiting_first": 8}, "numbers 8 to 10", id="one waits behind the cursor"),
        pytest.param({"done_last": 9}, "number 9 is finished", id="one finished before the cursor"),
        pytest.param({"out_of_order": 1, "first_out_of_order": 4}, "number 4", id="not in order"),
        pytest.param({"finish_missing": 1}, "without the time", id="no time of its end"),
        pytest.param({"signals_doubled": 2}, "2 signals", id="a signal twice"),
        pytest.param({"signals_astray": 1}, "not processed", id="a signal on a bar that was not processed"),
        pytest.param({"signals_astray": 2}, "not theirs", id="a signal that belongs to another bar"),
        pytest.param({"hits_astray": 1}, "hits of rules", id="a hit that belongs to another bar"),
        pytest.param({"runs_missing": 1}, "without an attempt", id="processed without a run"),
        pytest.param({"entries_astray": 1}, "not in it", id="an entry of another bar"),
        pytest.param({"done_first": 0}, "number 0 was never given out", id="a number below the first"),
        pytest.param({"has_breaker": False}, "breaker is gone", id="no breaker"),
        pytest.param({"open_entries": 0}, "0 open entries", id="in quarantine without an entry"),
        pytest.param({"bars_processed": 5}, "the row counts 5 bars", id="counted too few"),
        pytest.param({"bars_processed": 7}, "the row counts 7 bars", id="counted too many"),
    ],
)
def test_each_contradiction_is_said(changes, said):
    found = list(faults(replace(WELL, **changes), forgets=False))

    assert any(said in fault for fault in found), found


def test_failures_of_a_head_that_is_not_there_are_said():
    idle = replace(WELL, head=None, cursor=10, waiting=0, waiting_first=None, waiting_last=None, processed=8,
                   bars_processed=8, done_last=10)  # fmt: skip

    assert list(faults(idle, forgets=False)) == []
    assert "of a head, but there is none" in "".join(faults(replace(idle, attempts=2), forgets=False))


def test_where_old_bars_are_forgotten_missing_numbers_are_no_fault_but_too_many_bars_are():
    assert list(faults(replace(WELL, processed=3), forgets=True)) == []
    assert list(faults(replace(WELL, processed=9), forgets=True)) != []
