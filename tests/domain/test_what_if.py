from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.domain import what_if
from scanner_app.domain.breaker import Rules
from scanner_app.domain.what_if import Course, Moment, Setting, Streak, compare, course, streaks_of

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def setting(threshold=3, recovery_s=30, delays=(1, 2, 4, 8, 16, 30)):
    return Setting(rules=Rules(threshold=threshold, recovery=timedelta(seconds=recovery_s)), delays_s=delays)


def streak(last=3, ended=33, **values):
    """Three failures, after 0, 1 and 3 s; the probe succeeded at 33 s."""
    just_after = at(last) + timedelta(microseconds=1)
    return Streak(
        symbol="TSLA", began_at=T0, fault_from=just_after, fault_until=at(ended), ended_at=at(ended), **values
    )


def failure(seconds, due=None, bar=1, **values):
    return Moment(at(seconds), "failure", bar=bar, due=None if due is None else at(due), **values)


@pytest.mark.parametrize(
    ("fault_s", "threshold", "expected"),
    [
        pytest.param(0, 3, Course(runs=1, openings=0, ended_at=at(1)), id="the first retry succeeds"),
        pytest.param(3.5, 3, Course(runs=3, openings=1, ended_at=at(33)), id="it opens, the probe succeeds"),
        pytest.param(3.5, 5, Course(runs=3, openings=0, ended_at=at(7)), id="with five it does not open"),
        pytest.param(33, 5, Course(runs=5, openings=1, ended_at=at(45)), id="with five the probe is later"),
        pytest.param(40, 3, Course(runs=4, openings=1, ended_at=at(63)), id="a reopening is no opening"),
    ],
)
def test_a_streak_goes_by_retries_and_breaker_while_the_fault_lasts(fault_s, threshold, expected):
    assert course(streak(), at(fault_s), setting(threshold)) == expected


def test_a_bad_bar_uses_all_its_attempts_and_the_next_is_the_probe():
    found = course(streak(bad_bars=[None]), at(0), setting(threshold=99, delays=(1, 1)))

    assert found == Course(runs=3, openings=0, ended_at=at(2))


def test_a_bar_that_was_found_unusable_fails_as_often_as_it_did():
    found = course(streak(bad_bars=[1, 2]), at(0), setting(threshold=99))

    assert found == Course(runs=3, openings=0, ended_at=at(1))


def test_a_bad_bar_has_no_more_attempts_than_the_other_setting_gives_it():
    found = course(streak(bad_bars=[7]), at(0), setting(threshold=99, delays=(1,)))

    assert found == Course(runs=2, openings=0, ended_at=at(1))


def test_a_fault_that_outlasts_the_retries_is_probed_at_the_recovery_time():
    found = course(streak(), at(100), setting(threshold=1, delays=(1,)))

    assert (found.openings, found.ended_at) == (1, at(120))


def test_a_fault_with_more_runs_than_are_gone_through_ends_no_sooner_than_it_did(monkeypatch):
    monkeypatch.setattr(what_if, "MOST_RUNS", 5)

    found = course(streak(), at(1_000), setting(recovery_s=1))

    assert (found.runs, found.ended_at) == (5, at(1_000))


def test_the_difference_names_openings_and_bars_for_short_and_long_faults():
    streaks = [streak(bars=[at(-1), at(5), at(20), at(40)])]

    short = compare(streaks, setting(3), setting(5), longest=False)
    long = compare(streaks, setting(3), setting(5), longest=True)

    assert (short.openings, short.openings_if, short.bars_sooner, short.longest_sooner_s) == (1, 0, 3, 26)
    assert (long.openings, long.openings_if, long.bars_later, long.longest_later_s) == (1, 1, 4, 12)


def test_the_same_setting_changes_nothing():
    found = compare([streak(bars=[at(0)])], setting(), setting(), longest=True)

    assert (found.openings, found.failed_runs) == (found.openings_if, found.failed_runs_if)
    assert (found.bars_later, found.bars_sooner) == (0, 0)


def test_failures_up_to_a_success_are_a_streak_and_one_that_has_not_ended_is_none():
    moments = [
        *(failure(seconds) for seconds in (0, 1, 3)),
        Moment(at(33), "success"),
        Moment(at(50), "success"),
        failure(60, bar=2),
        Moment(at(61), "quarantined", bar=2),
        Moment(at(62), "success"),
        failure(70),
    ]

    first, second = streaks_of("TSLA", moments)

    assert first == streak()
    assert (second.began_at, second.ended_at, second.bad_bars) == (at(60), at(62), (1,))
    assert (second.fault_from, second.fault_until) == (at(60), at(60)), "the bar was bad, there was no fault"


@pytest.mark.parametrize(
    ("late_s", "before_success_s"),
    [
        pytest.param(0.05, 0, id="some milliseconds each"),
        pytest.param(10, 0, id="each ran into its limit"),
        pytest.param(0, 3_600, id="an operator disabled the symbol for an hour"),
    ],
)
def test_the_present_setting_does_in_thought_what_it_did(late_s, before_success_s):
    moments, now = [], 0.0
    for wait_s in (1, 2, 30, 30):
        moments.append(failure(now, due=now + wait_s))
        now += wait_s + late_s
    [one] = streaks_of("TSLA", [*moments, Moment(at(now + before_success_s), "success")])

    short, long = (compare([one], setting(3), setting(5), longest=longest) for longest in (False, True))

    assert (short.failed_runs, long.failed_runs) == (4, 4)
    assert (short.longest_sooner_s, long.longest_later_s) == (18, 12)


def test_a_hold_whose_probes_came_late_is_played_with_as_many_probes():
    """Its failures share one row: here the second attempt and nine probes, each 2 s late."""
    moments = [
        failure(0, due=30),
        failure(10 * 32, due=10 * 32 + 30, held=timedelta(seconds=9 * 30)),
        Moment(at(11 * 32), "success"),
    ]
    [one] = streaks_of("TSLA", moments)

    for until in (one.fault_from, one.fault_until):
        assert course(one, until, setting(1, delays=(30,))).runs == 11


def test_a_reset_ends_a_fault_before_the_next_run_was_due():
    [one] = streaks_of("TSLA", [failure(0, due=1), failure(1, due=3), Moment(at(1.5), "success")])

    assert (one.fault_until, one.ended_at) == (at(1.5), at(1.5))
