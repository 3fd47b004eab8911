from itertools import pairwise

import pytest

from scanner_app.tools.chaos.plan import FIRST_S, QUIET_S, Kind, make, quiet_times


def test_the_same_seed_gives_the_same_plan_and_another_seed_another():
    assert make(7, 600) == make(7, 600)
    assert make(7, 600) != make(8, 600)


def test_a_longer_run_begins_like_a_shorter_one():
    short, long = make(7, 60), make(7, 600)

    assert long[: len(short)] == short


@pytest.mark.parametrize("seed", range(50))
def test_two_minutes_hold_every_kind_and_ten_hold_it_repeatedly(seed):
    assert {fault.kind for fault in make(seed, 120)} == set(Kind)
    kinds = [fault.kind for fault in make(seed, 600)]
    assert all(kinds.count(kind) >= 5 for kind in Kind)


@pytest.mark.parametrize("seed", range(50))
def test_faults_come_one_after_the_other_and_end_in_time(seed):
    faults = make(seed, 120)

    assert faults[0].at_s == FIRST_S
    assert all(later.at_s >= earlier.ends_s for earlier, later in pairwise(faults))
    assert faults[-1].ends_s <= 120


@pytest.mark.parametrize("seed", range(50))
def test_after_every_kind_there_is_a_quiet_time(seed):
    faults = make(seed, 600)

    for number in range(len(Kind), len(faults), len(Kind)):
        assert faults[number].at_s - faults[number - 1].ends_s >= QUIET_S


def test_no_time_holds_no_fault():
    assert make(1, FIRST_S - 1) == ()


@pytest.mark.parametrize(
    ("spans", "quiet"),
    [
        pytest.param([], [(0, 60)], id="without faults all of it"),
        pytest.param([(5, 6)], [(0, 5), (16, 60)], id="from ten seconds after a fault"),
        pytest.param([(5, 6), (9, 20)], [(0, 5), (30, 60)], id="faults close together have none between them"),
        pytest.param([(0, 1), (55, 56)], [(11, 55)], id="none at the end if it is too short"),
    ],
)
def test_quiet_times(spans, quiet):
    assert quiet_times(spans, 60) == quiet
