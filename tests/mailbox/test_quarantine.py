"""Replay and discard of quarantined bars."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction, Finding
from scanner_app.domain.breaker import Breaker
from scanner_app.domain.enums import Outcome
from scanner_app.domain.errors import NotInQuarantine
from scanner_app.mailbox import Verdict
from scanner_app.models import Bar, ProcessingFailure, QuarantinedBar, Signal
from tests.conftest import T0, fail_head, new_bar, row_of, snapshot, start_head

pytestmark = pytest.mark.django_db(transaction=True)

GAP = Finding("gaps", "GAP", Direction.BULLISH, 1.0)


@pytest.fixture
def quarantined(dispatched_head):
    """A symbol with its first bar in quarantine and the second processed; and the entry."""
    symbol, ticket = dispatched_head(waiting=1)
    mailbox.quarantine_head(ticket, BarUnusable("bad"), now=T0)
    mailbox.complete(start_head(symbol), [], now=T0)
    return symbol, QuarantinedBar.objects.get()


def test_a_replay_is_a_new_acceptance_at_the_end_marked_late(quarantined, published):
    symbol, entry = quarantined
    del published[:]

    mailbox.replay(entry, by="alice", now=T0, reason="detector mended")

    bar = Bar.objects.get(pk=entry.bar_id)
    assert (bar.sequence, bar.status, bar.late, bar.replayed, bar.attempts) == (3, "waiting", True, True, 0)
    assert [message.sequence for message, _, _ in published] == [3]
    entry.refresh_from_db()
    assert entry.resolution == "replayed"
    event = symbol.events.order_by("-id")[0]
    assert (event.kind, event.actor, event.reason, event.bar_id) == ("replayed", "alice", "detector mended", bar.pk)


def test_a_replay_that_succeeds_is_processed_with_late_signals(quarantined):
    symbol, entry = quarantined
    mailbox.replay(entry, by="alice", now=T0)

    mailbox.complete(start_head(symbol), [GAP], now=T0)

    assert Bar.objects.get(pk=entry.bar_id).status == "processed"
    assert Signal.objects.get().late is True
    assert row_of(symbol).head is None


def test_a_replay_waits_behind_the_bars_that_wait(dispatched_head, published):
    symbol, ticket = dispatched_head(waiting=2)
    mailbox.quarantine_head(ticket, BarUnusable("bad"), now=T0)
    del published[:]

    mailbox.replay(QuarantinedBar.objects.get(), by="alice", now=T0)

    assert (row_of(symbol).head, row_of(symbol).last_sequence) == (2, 4)
    assert published == []


def test_a_replay_that_fails_is_back_in_quarantine_without_touching_failures_or_breaker(quarantined):
    symbol, entry = quarantined
    breaker_before = symbol.breaker.value
    mailbox.replay(entry, by="alice", now=T0)

    outcome = mailbox.fail(start_head(symbol), ValueError("still bad"), now=T0)

    assert outcome is Outcome.QUARANTINED
    symbol.breaker.refresh_from_db()
    assert symbol.breaker.value == breaker_before == Breaker()
    again = QuarantinedBar.objects.get(resolution="")
    assert (again.error_type, again.reason) == ("ValueError", "its replay failed")
    assert row_of(symbol).head is None


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(mailbox.fail, id="failed"),
        pytest.param(mailbox.quarantine_head, id="unusable"),
    ],
)
def test_the_failure_of_a_replay_is_recorded_with_its_traceback_and_no_retry_follows(quarantined, call):
    symbol, entry = quarantined
    mailbox.replay(entry, by="alice", now=T0)

    call(start_head(symbol), ValueError("still bad"), now=T0 + timedelta(seconds=5))

    failure = ProcessingFailure.objects.latest("id")
    assert (failure.bar_id, failure.attempt, failure.times) == (entry.bar_id, 1, 1)
    assert (failure.error_type, failure.failed_at) == ("ValueError", T0 + timedelta(seconds=5))
    assert "ValueError: still bad" in failure.traceback
    assert (failure.retry_delay_s, failure.next_attempt_at) == (None, None)


def test_an_unusable_replay_does_not_count_either(quarantined):
    symbol, entry = quarantined
    mailbox.replay(entry, by="alice", now=T0)

    mailbox.quarantine_head(start_head(symbol), BarUnusable("bad still"), now=T0)

    symbol.breaker.refresh_from_db()
    assert symbol.breaker.failures == 0


@pytest.mark.parametrize("first", [mailbox.replay, mailbox.discard], ids=["replay", "discard"])
@pytest.mark.parametrize("second", [mailbox.replay, mailbox.discard], ids=["then replay", "then discard"])
def test_an_entry_is_dealt_with_once(quarantined, first, second):
    symbol, entry = quarantined
    first(entry, by="alice", now=T0)
    before = snapshot(symbol)

    with pytest.raises(NotInQuarantine):
        second(entry, by="bob", now=T0)

    assert snapshot(symbol) == before


def test_a_discarded_bar_is_given_up_until_new_values_come(quarantined):
    symbol, entry = quarantined

    mailbox.discard(entry, by="alice", now=T0)

    assert Bar.objects.get(pk=entry.bar_id).status == "discarded"
    assert mailbox.accept([new_bar(day=0)], now=T0) == [Verdict.DUPLICATE]
    assert mailbox.accept([new_bar(day=0, close=10.5)], now=T0) == [Verdict.ACCEPTED]
    assert Bar.objects.get(pk=entry.bar_id).status == "waiting"
    assert row_of(symbol).head == 3


def test_a_replay_on_an_open_breaker_is_the_probe_and_its_success_closes_it(dispatched_head, published):
    symbol, ticket = dispatched_head(waiting=1)
    mailbox.quarantine_head(ticket, BarUnusable("bad"), now=T0)
    at = fail_head(symbol, 3)
    mailbox.skip(symbol, by="alice", now=at)
    entry = QuarantinedBar.objects.filter(resolution="").order_by("id")[0]
    del published[:]

    mailbox.replay(entry, by="alice", now=at)

    due = published[0][2]
    symbol.breaker.refresh_from_db()
    assert due == symbol.breaker.opened_at + timedelta(seconds=30)
    mailbox.complete(start_head(symbol, now=due), [], now=due)
    symbol.breaker.refresh_from_db()
    assert symbol.breaker.value == Breaker()
