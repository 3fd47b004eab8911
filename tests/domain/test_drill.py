from datetime import UTC, datetime, time, timedelta

import pytest

from scanner_app.domain.breaker import Rules
from scanner_app.domain.drill import (
    AlarmPath,
    Facts,
    Notice,
    Step,
    StepState,
    ended,
    failures_of_bars,
    first_failed,
    is_due,
    is_over,
    judge,
    said,
)

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
RULES = Rules(threshold=3, recovery=timedelta(seconds=30))
DELAYS = [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
OK, FAILED, WAITING, NOT_REACHED = StepState.OK, StepState.FAILED, StepState.WAITING, StepState.NOT_REACHED


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def notice(all_clear=False, sent=None, channel="mail", **values):
    state = values.pop("state", "sent" if sent else "pending")
    return Notice(channel=channel, all_clear=all_clear, state=state, sent_at=sent, **values)


def facts(**values):
    """Those of a drill in which all went well: the breaker opened after 5 s and closed after 36 s."""
    good = {
        "began_at": T0,
        "run_at": at(1),
        "failing_since": at(1.5),
        "failures": [at(2), at(3), at(5)],
        "error": "CanaryFailed: on purpose",
        "opened_at": at(5),
        "closed_at": at(36),
        "notices": [notice(sent=at(6)), notice(all_clear=True, sent=at(37))],
    }
    return Facts(**{**good, **values})


def states(found, now):
    return {one.step: one.state for one in judge(found, RULES, DELAYS, now)}


def of(step, found, now):
    return next(one for one in judge(found, RULES, DELAYS, now) if one.step is step)


@pytest.mark.parametrize(
    ("threshold", "attempts", "expected"),
    [
        pytest.param(3, 7, [3], id="one bar fails three times and is its own probe"),
        pytest.param(1, 7, [1], id="one failure opens the breaker"),
        pytest.param(7, 7, [7, 0], id="a bar that uses all its attempts is followed by a good one"),
        pytest.param(10, 7, [7, 3], id="a high threshold needs a second bar"),
        pytest.param(3, 1, [1, 1, 1, 0], id="without retries each bar fails once"),
    ],
)
def test_the_bars_fail_as_often_as_the_threshold_says_and_the_next_run_succeeds(threshold, attempts, expected):
    assert failures_of_bars(threshold, attempts) == expected


def test_a_drill_in_which_all_went_well_has_each_step_with_its_own_time():
    results = judge(facts(), RULES, DELAYS, at(40))

    assert [(one.step, one.state, one.at) for one in results] == [
        (Step.RUN, OK, at(1)),
        (Step.FAILURE, OK, at(2)),
        (Step.BREAKER, OK, at(5)),
        (Step.NOTICE, OK, at(6)),
        (Step.HALF_OPEN, OK, at(35)),
        (Step.RECOVERY, OK, at(36)),
        (Step.ALL_CLEAR, OK, at(37)),
    ]
    assert is_over(results)
    assert first_failed(results) is None


def test_without_a_worker_the_first_step_fails_and_no_other_is_reached():
    nothing = Facts(began_at=T0)

    assert set(states(nothing, at(29)).values()) == {WAITING}
    assert states(nothing, at(30)) == {**dict.fromkeys(Step, NOT_REACHED), Step.RUN: FAILED}


def test_a_probe_that_fails_fails_the_drill_at_once():
    found = facts(closed_at=None, reopened_at=at(36), notices=[notice(sent=at(6))])

    assert states(found, at(36)) == {**dict.fromkeys(Step, OK), Step.RECOVERY: FAILED, Step.ALL_CLEAR: NOT_REACHED}
    assert "probe has failed" in of(Step.RECOVERY, found, at(36)).detail


def test_before_the_recovery_time_the_breaker_is_not_half_open_yet():
    found = facts(closed_at=None, notices=[notice(sent=at(6))])

    assert states(found, at(34.9))[Step.HALF_OPEN] is WAITING
    assert states(found, at(35))[Step.HALF_OPEN] is OK
    assert states(found, at(35))[Step.RECOVERY] is WAITING


def test_one_channel_that_is_down_fails_the_step_which_says_which_and_why_and_the_drill_goes_on():
    down = notice(channel="apprise 1 (json://ops)", tries=2, error="ConnectionRefused: nobody listens")
    found = facts(notices=[notice(sent=at(6)), down, notice(all_clear=True, sent=at(37))])

    assert of(Step.NOTICE, found, at(34.9)).state is WAITING
    failed = of(Step.NOTICE, found, at(35))
    assert failed.state is FAILED
    assert failed.detail == (
        "sent by mail after 1 s; not sent by apprise 1 (json://ops) in 2 tries: ConnectionRefused: nobody listens"
    )
    assert states(found, at(40))[Step.ALL_CLEAR] is OK


def test_a_message_that_was_sent_too_late_has_failed_whenever_one_looks():
    found = facts(notices=[notice(sent=at(36)), notice(all_clear=True, sent=at(37))])

    assert of(Step.NOTICE, found, at(40)).state is FAILED


def test_without_a_channel_the_step_fails_at_once():
    found = facts(closed_at=None, notices=[notice(state="skipped", channel="none", error="no channel: not set")])

    assert of(Step.NOTICE, found, at(5.5)).detail == "sent to nobody: no channel: not set"
    assert of(Step.NOTICE, found, at(5.5)).state is FAILED


def test_a_drill_that_is_ended_before_its_time_fails_at_the_step_that_it_waited_for():
    found = facts(opened_at=None, closed_at=None, notices=[])

    results = ended(judge(found, RULES, DELAYS, at(4)), "interrupted", at(4))

    assert [one.state for one in results] == [OK, OK, FAILED, NOT_REACHED, NOT_REACHED, NOT_REACHED, NOT_REACHED]
    failed = first_failed(results)
    assert failed is not None
    assert failed.detail == "interrupted"


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        pytest.param(None, "2024-05-31T03:29:59", False, id="not before its time"),
        pytest.param(None, "2024-05-31T03:30:00", True, id="at its time"),
        pytest.param("2024-05-30T03:30:02", "2024-05-31T03:30:01", True, id="yesterday's does not count"),
        pytest.param("2024-05-31T03:30:00", "2024-05-31T03:30:05", False, id="once a day"),
        pytest.param(None, "2024-05-31T04:31:00", False, id="not an hour later"),
    ],
)
def test_a_drill_of_the_schedule_is_due_once_a_day(last, now, due):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert is_due(time(3, 30), last and datetime.fromisoformat(last).replace(tzinfo=UTC), moment) is due


def test_a_drill_shortly_before_midnight_is_due_after_it_too():
    assert is_due(time(23, 50), None, datetime(2024, 6, 1, 0, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (AlarmPath(), "alarm path never proven: see manage.py drill"),
        (AlarmPath(proven_at=at(-3 * 3600)), "alarm path proven 3 h ago"),
        (
            AlarmPath(proven_at=at(-86_400), failed_at=at(-60), failed_step="notice", detail="not sent by mail"),
            "the drill 1 min ago failed at notice: not sent by mail; alarm path last proven 1 day ago",
        ),
        (
            AlarmPath(failed_at=at(-60), failed_step="run", detail="no worker"),
            "the drill 1 min ago failed at run: no worker; alarm path never proven",
        ),
    ],
)
def test_what_the_drills_have_shown_is_said_in_a_sentence(path, sentence):
    assert said(path, T0) == sentence
