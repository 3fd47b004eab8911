"""The breaker as a pure value: every transition, and the exact edges of its times."""

from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.domain import breaker
from scanner_app.domain.breaker import Breaker, Rules, State

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
RULES = Rules(threshold=3, recovery=timedelta(seconds=30))
OPENED_AT_T0 = Breaker(failures=3, opened_at=T0, incident_at=T0)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("failures", "state"),
    [
        pytest.param(1, State.CLOSED, id="one failure leaves it closed"),
        pytest.param(2, State.CLOSED, id="two failures leave it closed"),
        pytest.param(3, State.OPEN, id="the third in a row opens it"),
    ],
)
def test_it_opens_at_the_threshold(failures, state):
    value = Breaker()

    for _ in range(failures):
        value = breaker.failure(value, RULES, T0)

    assert value.state(RULES, T0) is state
    assert value.failures == failures


@pytest.mark.parametrize(
    ("after_s", "state"),
    [
        pytest.param(0, State.OPEN, id="open at once"),
        pytest.param(29.999999, State.OPEN, id="still open just before the probe"),
        pytest.param(30, State.HALF_OPEN, id="the probe is due at 30 s, not after"),
        pytest.param(3600, State.HALF_OPEN, id="and stays due until it has run"),
    ],
)
def test_an_open_breaker_becomes_half_open_by_time_alone(after_s, state):
    assert OPENED_AT_T0.state(RULES, after(after_s)) is state


@pytest.mark.parametrize(
    ("value", "own_s", "now_s", "due_s"),
    [
        pytest.param(Breaker(), None, 0, None, id="closed, a bar that has not failed: now"),
        pytest.param(Breaker(failures=2), 2, 0, 2, id="closed: the retry's own time"),
        pytest.param(Breaker(failures=2), 2, 2, None, id="a retry is due at its time, not after"),
        pytest.param(OPENED_AT_T0, None, 0, 30, id="open, a bar that has not failed: the half-open moment"),
        pytest.param(OPENED_AT_T0, 4, 0, 30, id="open: the half-open moment, if that is later"),
        pytest.param(OPENED_AT_T0, 40, 0, 40, id="open: the retry's own time, if that is later"),
        pytest.param(OPENED_AT_T0, 4, 29.999999, 30, id="just before the half-open moment"),
        pytest.param(OPENED_AT_T0, 4, 30, None, id="half-open: now"),
        pytest.param(OPENED_AT_T0, 40, 30, 40, id="half-open, but its own time is still to come"),
    ],
)
def test_a_bar_is_due_at_the_later_of_its_own_time_and_the_half_open_moment(value, own_s, now_s, due_s):
    own = None if own_s is None else after(own_s)

    assert breaker.due(value, RULES, after(now_s), own=own) == (None if due_s is None else after(due_s))


def test_a_failed_probe_opens_it_again_for_the_full_time_in_the_same_incident():
    value = breaker.failure(OPENED_AT_T0, RULES, after(31))

    assert value == Breaker(failures=4, opened_at=after(31), incident_at=T0)
    assert value.state(RULES, after(60.9)) is State.OPEN
    assert value.state(RULES, after(61)) is State.HALF_OPEN


def test_a_closed_breaker_has_no_failures_and_no_incident():
    value = breaker.closed()

    assert value == Breaker(failures=0, opened_at=None, incident_at=None)
    assert value.state(RULES, T0) is State.CLOSED


def test_after_closing_failures_are_counted_from_one_again():
    assert breaker.failure(breaker.closed(), RULES, T0) == Breaker(failures=1)


@pytest.mark.parametrize(
    ("threshold", "recovery_s"), [pytest.param(0, 30, id="threshold"), pytest.param(3, 0, id="recovery")]
)
def test_rules_that_make_no_sense_are_refused(threshold, recovery_s):
    with pytest.raises(ValueError, match="must be"):
        Rules(threshold=threshold, recovery=timedelta(seconds=recovery_s))
