"""A head that is revised while it runs: what is known of its old values does not count against the new ones."""

import dataclasses
import time
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from scanner_app import mailbox, tasks
from scanner_app.detectors import BarUnusable
from scanner_app.domain.enums import Outcome
from scanner_app.domain.lanes import INTO_SLOW_LANE
from scanner_app.models import Bar, CircuitBreaker, ProcessingFailure, QuarantinedBar
from tests.conftest import T0, accept_days, fail_head, live_message, new_bar, row_of, start_head

pytestmark = pytest.mark.django_db(transaction=True)

LAST_ATTEMPT = 7
SECOND = timedelta(seconds=1)


def revise(day=0, *, now=T0, close=11.5):
    assert mailbox.accept([new_bar(day=day, close=close)], now=now, revising=True) == [mailbox.Verdict.REVISED]


def ready_to_fail_for_good(make, *, bars=2):
    """A symbol with a good bar whose next bar has failed six times; returns it and the time of its last attempt."""
    symbol, ticket = make(waiting=bars - 1)
    mailbox.complete(ticket, [], now=T0)
    fail_head(symbol, LAST_ATTEMPT - 1)
    return symbol, row_of(symbol).next_attempt_at


def in_control(make):
    symbol, now = ready_to_fail_for_good(make)
    mailbox.fail(start_head(symbol, now=now), ValueError("no good"), now=now)
    assert row_of(symbol).stage == "control"
    return symbol, now


def test_a_failure_of_old_values_does_not_count_and_the_new_ones_run_at_once(dispatched_head, published):
    symbol, ticket = dispatched_head()
    revise()
    del published[:]

    assert mailbox.fail(ticket, ValueError("no good"), now=T0) is Outcome.DEFERRED

    assert (row_of(symbol).attempts, CircuitBreaker.objects.get().failures) == (0, 0)
    assert not ProcessingFailure.objects.exists()
    assert [(message.retries, due) for message, _, due in published] == [(0, None)]
    assert start_head(symbol).close == 11.5


def test_a_failure_counts_if_only_other_bars_were_revised(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)
    revise(day=1)

    assert mailbox.fail(ticket, ValueError("no good"), now=T0) is Outcome.RETRYING
    assert row_of(symbol).attempts == 1


def test_a_run_of_old_values_that_hung_moves_its_symbol_to_the_slow_lane_all_the_same(dispatched_head, published):
    symbol, ticket = dispatched_head()
    revise()
    del published[:]

    assert mailbox.fail(ticket, ValueError("hung"), now=T0, hung=True) is Outcome.DEFERRED

    assert row_of(symbol).lane == INTO_SLOW_LANE.lane
    assert [lane for _, lane, _ in published] == [INTO_SLOW_LANE.lane]


def test_a_bar_revised_during_its_last_attempt_is_run_once_more(dispatched_head):
    symbol, now = ready_to_fail_for_good(dispatched_head)
    ticket = start_head(symbol, now=now)
    revise(day=1, now=now)

    assert mailbox.fail(ticket, ValueError("no good"), now=now) is Outcome.DEFERRED

    assert row_of(symbol).stage != "control"
    assert start_head(symbol, now=now).close == 11.5
    assert mailbox.fail(start_head(symbol, now=now), ValueError("no good"), now=now) is Outcome.CONTROL


def test_a_bar_revised_during_its_control_run_has_all_its_retries_anew(dispatched_head, published):
    symbol, now = in_control(dispatched_head)
    control = live_message(symbol)
    assert control.control
    del published[:]

    revise(day=1, now=now)

    row = row_of(symbol)
    opened_at = CircuitBreaker.objects.get().opened_at
    assert opened_at is not None
    half_open = opened_at + 30 * SECOND
    assert (row.stage, row.attempts, row.next_attempt_at) == ("run", 0, half_open)
    assert [(message.control, message.retries, due) for message, _, due in published] == [(False, 0, half_open)]
    assert mailbox.control_passed(control, now=now) is Outcome.SUPERSEDED
    assert mailbox.control_failed(control, reason="failed too", now=now) is Outcome.SUPERSEDED
    assert mailbox.complete(start_head(symbol, now=half_open), [], now=half_open) is Outcome.COMPLETED
    assert not QuarantinedBar.objects.exists()


def test_a_control_run_goes_on_when_other_bars_are_revised(dispatched_head):
    symbol, now = in_control(dispatched_head)

    revise(day=0, now=now)

    assert mailbox.control_passed(live_message(symbol), now=now) is Outcome.QUARANTINED


def test_a_disabled_symbols_bar_that_is_revised_in_its_control_run_is_published_by_enabling(dispatched_head, published):
    symbol, now = in_control(dispatched_head)
    mailbox.disable(symbol, by="alice", now=now)
    del published[:]

    revise(day=1, now=now)
    assert published == []

    mailbox.enable(symbol, by="alice", now=now)
    assert [(message.control, message.retries) for message, _, _ in published] == [(False, 0)]


@pytest.fixture
def replayed(dispatched_head):
    """A symbol whose bar was replayed from quarantine, and is in flight."""
    symbol, ticket = dispatched_head()
    mailbox.quarantine_head(ticket, BarUnusable("no good"), now=T0)
    mailbox.replay(QuarantinedBar.objects.get(), by="alice", now=T0)
    return symbol, start_head(symbol)


def test_a_replayed_bar_revised_while_it_runs_is_run_with_its_new_values(replayed):
    symbol, ticket = replayed
    revise()

    assert mailbox.fail(ticket, ValueError("no good"), now=T0) is Outcome.DEFERRED

    assert Bar.objects.get().status == "waiting"
    assert mailbox.fail(start_head(symbol), ValueError("no good"), now=T0) is Outcome.QUARANTINED


def test_a_killed_run_that_may_have_had_old_values_does_not_count(replayed):
    symbol, ticket = replayed
    revise(now=T0 + SECOND)

    outcome = mailbox.killed(ticket.message, "its process died", now=T0 + 2 * SECOND, began=T0)

    assert outcome is Outcome.DEFERRED
    again = row_of(symbol).next_attempt_at
    assert again is not None
    died = mailbox.killed(live_message(symbol), "its process died", now=again, began=again + SECOND)
    assert died is Outcome.QUARANTINED, "the new values have run"


def test_the_report_of_a_worker_says_when_the_killed_run_began(replayed):
    _, ticket = replayed
    revise(now=timezone.now())
    report = partial(tasks.bar_died, dataclasses.asdict(ticket.message), "its process died")

    assert report(began=time.time()) == Outcome.DEFERRED
    assert report(began=time.time() + 60) == Outcome.QUARANTINED


def test_a_killed_run_counts_if_nobody_knows_when_it_began(replayed):
    _, ticket = replayed
    revise()

    assert mailbox.killed(ticket.message, "lost", now=T0) is Outcome.QUARANTINED


def test_the_losses_of_old_values_do_not_count_against_the_new_ones(dispatched_head):
    symbol, _ = dispatched_head()
    type(row_of(symbol)).objects.update(losses=2)

    revise()

    assert row_of(symbol).losses == 0


def test_a_waiting_bars_revision_leaves_the_heads_losses_alone(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    type(row_of(symbol)).objects.update(losses=2)

    revise(day=1)

    assert row_of(symbol).losses == 2


def test_only_the_head_in_its_control_run_is_started_anew(dispatched_head):
    symbol, now = in_control(dispatched_head)
    accept_days("TSLA", 1, first=5, now=now)

    revise(day=5, now=now)

    assert row_of(symbol).stage == "control"
