"""A head that fails: retries, breaker, control run, hold, quarantine."""

from datetime import timedelta

import pytest
from django.db import connection

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable
from scanner_app.domain.breaker import Breaker, Rules
from scanner_app.domain.enums import Outcome
from scanner_app.domain.errors import DetectorFailed
from scanner_app.domain.retry import after_failure
from scanner_app.mailbox import Ticket, failure
from scanner_app.models import Bar, CircuitBreaker, ProcessingFailure, QuarantinedBar
from tests.conftest import T0, accept_days, fail_head, live_message, new_bar, row_of, snapshot, start_head

pytestmark = pytest.mark.django_db(transaction=True)


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def complete_head(symbol, *, now=T0):
    return mailbox.complete(start_head(symbol, now=now), [], now=now)


def test_a_failure_is_recorded_with_its_traceback_and_pauses_the_symbol(dispatched_head, published):
    symbol, ticket = dispatched_head(waiting=1)
    del published[:]

    outcome = mailbox.fail(ticket, ValueError("no good"), now=T0)

    assert outcome is Outcome.RETRYING
    row = row_of(symbol)
    assert (row.head, row.attempts, row.next_attempt_at) == (1, 1, T0 + seconds(1))
    assert row.last_error == "ValueError: no good"
    failure = ProcessingFailure.objects.get()
    assert (failure.attempt, failure.error_type, failure.message) == (1, "ValueError", "no good")
    assert (failure.retry_delay_s, failure.next_attempt_at) == (1, T0 + seconds(1))
    assert "ValueError: no good" in failure.traceback
    assert published == []  # Celery retries it


def test_a_failure_counts_once(dispatched_head):
    symbol, ticket = dispatched_head()
    mailbox.fail(ticket, ValueError("no good"), now=T0)
    before = snapshot(symbol)

    outcome = mailbox.fail(ticket, ValueError("no good"), now=T0)

    assert outcome is Outcome.SUPERSEDED
    assert snapshot(symbol) == before


@pytest.fixture
def logged(monkeypatch):
    """The errors that failing.py logs, each with whether a transaction was open."""
    lines = []

    class Log:
        @staticmethod
        def error(event, **_values):
            lines.append((event, connection.in_atomic_block))

    monkeypatch.setattr(failure, "log", Log)
    return lines


@pytest.mark.parametrize(
    ("call", "event"),
    [(mailbox.fail, "bar_failed"), (mailbox.quarantine_head, "bar_unusable")],
    ids=["fail", "quarantine"],
)
def test_a_failure_is_logged_once_after_its_commit(dispatched_head, logged, call, event):
    _, ticket = dispatched_head()

    call(ticket, BarUnusable("no volume"), now=T0)
    call(ticket, BarUnusable("no volume"), now=T0)

    assert logged == [(event, False)]


@pytest.mark.parametrize("call", [mailbox.fail, mailbox.quarantine_head], ids=["fail", "quarantine"])
def test_a_failure_that_was_rolled_back_is_not_logged(dispatched_head, logged, monkeypatch, call):
    symbol, ticket = dispatched_head()
    before = snapshot(symbol)

    def broken(*_args, **_values):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(failure, "_record_failure", broken)
    with pytest.raises(RuntimeError, match="the disk is full"):
        call(ticket, BarUnusable("no volume"), now=T0)

    assert logged == []
    assert snapshot(symbol) == before


def test_with_the_default_settings_seven_attempts_run_at_0_1_3_33_63_93_and_123_s(dispatched_head):
    symbol, _ = dispatched_head()

    fail_head(symbol, 7)

    attempts = ProcessingFailure.objects.order_by("id").values_list("failed_at", "retry_delay_s")
    assert [((at - T0).total_seconds(), delay) for at, delay in attempts] == [
        (0, 1),
        (1, 2),
        (3, 4),
        (33, 8),
        (63, 16),
        (93, 30),
        (123, None),
    ]


def test_with_a_high_threshold_they_run_at_exactly_the_list(dispatched_head, settings):
    settings.SCANNER_BREAKER_THRESHOLD = 99
    symbol, _ = dispatched_head()

    fail_head(symbol, 7)

    times = ProcessingFailure.objects.order_by("id").values_list("failed_at", flat=True)
    assert [(at - T0).total_seconds() for at in times] == [0, 1, 3, 7, 15, 31, 61]


def test_the_third_failure_opens_the_breaker_and_a_failed_probe_opens_it_again(dispatched_head):
    symbol, _ = dispatched_head()

    fail_head(symbol, 4)

    symbol.breaker.refresh_from_db()
    assert (symbol.breaker.failures, symbol.breaker.opened_at) == (4, T0 + seconds(33))
    assert symbol.breaker.incident_at == T0 + seconds(3)
    events = symbol.events.order_by("id").values_list("kind", "reason")
    assert list(events)[1:] == [
        ("paused", "TSLA processing failed 1 time"),
        ("paused", "TSLA processing failed 2 times"),
        ("opened", "TSLA processing failed 3 times"),
        ("reopened", "TSLA processing failed 4 times"),
    ]


def test_a_successful_probe_closes_the_breaker_and_the_backlog_goes_on(dispatched_head, published):
    symbol, _ = dispatched_head(waiting=1)
    fail_head(symbol, 3)
    del published[:]

    complete_head(symbol, now=T0 + seconds(33))

    symbol.breaker.refresh_from_db()
    assert symbol.breaker.value == Breaker()
    assert [message.sequence for message, _, _ in published] == [2]
    assert symbol.events.order_by("-id").values_list("kind", flat=True)[0] == "closed"


def test_failures_in_a_row_count_across_bars(dispatched_head):
    symbol, _ = dispatched_head(waiting=3)

    for _ in range(3):
        mailbox.quarantine_head(start_head(symbol), BarUnusable("no volume"), now=T0)

    symbol.breaker.refresh_from_db()
    assert symbol.breaker.opened_at == T0
    assert row_of(symbol).next_attempt_at == T0 + seconds(30)


def test_an_unusable_bar_is_quarantined_at_once(dispatched_head, published):
    _, ticket = dispatched_head(waiting=1)
    del published[:]

    outcome = mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0)

    assert outcome is Outcome.QUARANTINED
    entry = QuarantinedBar.objects.get()
    assert (entry.error_type, entry.message, entry.attempt) == ("BarUnusable", "no volume", 1)
    assert Bar.objects.get(sequence=1).status == "quarantined"
    assert [(message.sequence, due) for message, _, due in published] == [(2, None)]
    failure = ProcessingFailure.objects.get()
    assert (failure.retry_delay_s, failure.next_attempt_at) == (None, None)


def test_a_bar_found_unusable_with_values_that_were_revised_meanwhile_is_run_with_the_new_ones(
    dispatched_head, published
):
    symbol, ticket = dispatched_head()
    mailbox.accept([new_bar(day=0, close=11.5)], now=T0, revising=True)
    del published[:]

    assert mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0) is Outcome.DEFERRED

    assert [message.sequence for message, _, _ in published] == [1]
    assert (row_of(symbol).attempts, CircuitBreaker.objects.get().failures) == (0, 0)
    again = start_head(symbol)
    assert again.close == 11.5
    assert mailbox.quarantine_head(again, BarUnusable("no volume"), now=T0) is Outcome.QUARANTINED


def test_a_repeated_quarantine_changes_nothing(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)
    mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0)
    before = snapshot(symbol)

    assert mailbox.quarantine_head(ticket, BarUnusable("no volume"), now=T0) is Outcome.SUPERSEDED
    assert snapshot(symbol) == before


def test_after_six_retries_the_control_run_is_published(dispatched_head, published):
    symbol, _ = dispatched_head()
    del published[:]

    fail_head(symbol, 7)

    (message, _, due) = published[-1]
    assert (message.control, message.retries, due) == (True, 7, None)
    assert row_of(symbol).stage == "control"


@pytest.fixture
def in_control(symbol):
    """A symbol with one good bar, whose second has used up its retries, and a third that waits."""
    accept_days("TSLA", 3)
    complete_head(symbol)
    failed_at = fail_head(symbol, 7)
    return symbol, failed_at


def test_the_head_does_not_run_while_its_control_run_is_out(in_control):
    symbol, failed_at = in_control

    assert mailbox.start(live_message(symbol), now=failed_at + seconds(60)) is Outcome.SUPERSEDED


def test_the_control_run_is_on_the_last_processed_bar(in_control):
    symbol, _ = in_control

    ticket = mailbox.start_control(live_message(symbol))

    assert isinstance(ticket, Ticket)
    assert ticket.timestamp == Bar.objects.get(sequence=1).timestamp


def test_a_control_run_that_succeeds_sets_the_head_aside_and_the_next_is_the_probe(in_control, published):
    symbol, failed_at = in_control
    del published[:]

    outcome = mailbox.control_passed(live_message(symbol), now=failed_at)

    assert outcome is Outcome.QUARANTINED
    entry = QuarantinedBar.objects.get()
    assert (entry.attempt, entry.error_type) == (7, "ValueError")
    row = row_of(symbol)
    assert (row.head, row.attempts, row.stage) == (3, 0, "run")
    assert row.next_attempt_at == failed_at + seconds(30)
    assert [(message.sequence, due) for message, _, due in published] == [(3, failed_at + seconds(30))]


def test_a_control_run_that_fails_holds_the_symbol_and_probes_without_limit(in_control, published):
    symbol, failed_at = in_control
    del published[:]

    outcome = mailbox.control_failed(live_message(symbol), reason="the model file is missing", now=failed_at)
    last = fail_head(symbol, 5, now=failed_at)

    assert outcome is Outcome.HOLDING
    row = row_of(symbol)
    assert (row.head, row.attempts, row.stage) == (2, 12, "hold")
    assert last == failed_at + seconds(150)
    assert [message.retries for message, _, _ in published] == [7, 8, 9, 10, 11, 12]
    failures = ProcessingFailure.objects.order_by("id")
    assert failures.count() == 7  # counted up, not repeated
    newest = failures.latest("id")
    assert (newest.times, newest.attempt, newest.retry_delay_s) == (6, 12, 30)
    assert newest.next_attempt_at == last + seconds(30)
    assert QuarantinedBar.objects.count() == 0


def test_the_failures_of_a_hold_are_one_line_of_the_timeline(in_control):
    symbol, failed_at = in_control
    bar = Bar.objects.get(sequence=2)
    mailbox.control_failed(live_message(symbol), reason="the model file is missing", now=failed_at)
    before = symbol.events.count()

    last = fail_head(symbol, 5, now=failed_at)

    held, probes = symbol.events.order_by("-id")[1], symbol.events.order_by("-id")[0]
    assert symbol.events.count() == before + 1
    assert (held.kind, held.at, held.bar_id) == ("held", failed_at, bar.pk)
    assert (probes.kind, probes.at, probes.bar_id) == ("reopened", last, bar.pk)
    assert probes.reason == "TSLA processing failed 12 times"
    failure = ProcessingFailure.objects.latest("id")
    assert (failure.bar_id, failure.failed_at) == (bar.pk, last), "the line and the failure are found by each other"


def test_what_happens_between_two_probes_of_a_hold_begins_a_new_line(in_control):
    symbol, failed_at = in_control
    mailbox.control_failed(live_message(symbol), reason="no file", now=failed_at)
    last = fail_head(symbol, 2, now=failed_at)
    mailbox.disable(symbol, by="olga", now=last)
    mailbox.enable(symbol, by="olga", now=last)

    fail_head(symbol, 1, now=last)

    assert list(symbol.events.order_by("-id").values_list("kind", flat=True)[:5]) == [
        "reopened",
        "enabled",
        "disabled",
        "reopened",
        "held",
    ]


def test_a_hold_ends_with_the_first_success(in_control):
    symbol, failed_at = in_control
    mailbox.control_failed(live_message(symbol), reason="no file", now=failed_at)

    complete_head(symbol, now=failed_at + seconds(30))

    row = row_of(symbol)
    assert (row.head, row.stage, row.attempts) == (3, "run", 0)


def test_without_any_good_bar_there_is_no_control_ticket(dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 7)

    assert mailbox.start_control(live_message(symbol)) is None


@pytest.mark.parametrize("verdict", ["passed", "failed"])
def test_a_repeated_verdict_changes_nothing(in_control, verdict):
    symbol, failed_at = in_control
    message = live_message(symbol)

    def give():
        if verdict == "passed":
            return mailbox.control_passed(message, now=failed_at)
        return mailbox.control_failed(message, reason="no file", now=failed_at)

    give()
    before = snapshot(symbol)

    assert give() is Outcome.SUPERSEDED
    assert mailbox.start_control(message) is Outcome.SUPERSEDED
    assert snapshot(symbol) == before


def test_another_symbol_is_not_touched_by_all_this(dispatched_head):
    other, _ = dispatched_head("AAPL", waiting=1)
    before = snapshot(other)
    symbol, _ = dispatched_head("TSLA", waiting=1)

    fail_head(symbol, 7)

    assert snapshot(other) == before


def test_what_no_database_stores_is_stored_readably(dispatched_head):
    _, ticket = dispatched_head()

    mailbox.fail(ticket, ValueError("zero \0 and \ud800 surrogate"), now=T0)

    assert ProcessingFailure.objects.get().message == "zero \\0 and \\ud800 surrogate"


def test_an_outage_raised_by_a_detector_is_recorded_as_what_it_was(dispatched_head):
    _, ticket = dispatched_head()
    error = DetectorFailed("wrapped")
    error.__cause__ = ConnectionError("the model server is away")

    mailbox.fail(ticket, error, now=T0)

    failure = ProcessingFailure.objects.get()
    assert (failure.error_type, failure.message) == ("ConnectionError", "the model server is away")


def test_a_retry_on_an_open_breaker_waits_for_the_later_of_the_two_times():
    rules = Rules(threshold=3, recovery=seconds(2))
    opened = Breaker(failures=3, opened_at=T0, incident_at=T0)

    plan = after_failure(attempts=3, delays_s=[1, 2, 4], holding=False, breaker_value=opened, rules=rules, now=T0)

    assert (plan.retry_delay_s, plan.next_attempt_at) == (4, T0 + seconds(4))
