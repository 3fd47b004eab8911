"""The sweeper: what it publishes again, and what it leaves alone."""

import sys
from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.mailbox import DeliveryReport
from scanner_app.models import SymbolStatus
from tests.conftest import T0, fail_head, live_message, row_of, snapshot

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = T0.timestamp() - 60


def deliveries(**changes) -> DeliveryReport:
    fields = {"queued": frozenset(), "held": frozenset(), "unqueued_since": {}, "patience_s": 2.5}
    return DeliveryReport(**{**fields, **changes})


def run_sweep(seen: DeliveryReport, *, now=T0):
    return mailbox.sweep(mailbox.due_heads(now), seen, now=now)


def test_a_head_that_nobody_holds_is_published_again(dispatched_head, published):
    symbol, ticket = dispatched_head()
    del published[:]

    report = run_sweep(deliveries(unqueued_since={ticket.message.identity: LONG_AGO}))

    assert report.counts() == {"heads": 1, "lost": 1, "idle": 0, "published": 1, "failed": 0}
    assert [message.identity for message, _, _ in published] == [live_message(symbol).identity]


def test_bars_that_waited_for_a_loss_to_be_found_are_held(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)

    run_sweep(deliveries(unqueued_since={ticket.message.identity: LONG_AGO}))

    assert row_of(symbol).catching_up is True


@pytest.mark.parametrize("place", ["queued", "held"])
def test_a_head_in_a_queue_or_with_a_worker_is_left_alone(dispatched_head, published, place):
    symbol, ticket = dispatched_head()
    del published[:]
    name = ticket.message.identity
    before = snapshot(symbol)

    report = run_sweep(deliveries(**{place: frozenset({name})}, unqueued_since={name: LONG_AGO}))

    assert (report.heads, report.lost) == (1, 0)
    assert published == []
    assert snapshot(symbol) == before


def test_a_head_just_taken_from_its_queue_has_until_the_next_heartbeat(dispatched_head, published):
    _, ticket = dispatched_head()
    del published[:]
    name = ticket.message.identity

    first = run_sweep(deliveries())
    too_soon = run_sweep(deliveries(unqueued_since=first.unqueued), now=T0 + timedelta(seconds=2.4))
    lost = run_sweep(deliveries(unqueued_since=too_soon.unqueued), now=T0 + timedelta(seconds=2.5))

    assert (first.lost, too_soon.lost, lost.lost) == (0, 0, 1)
    assert first.unqueued == {name: T0.timestamp()}
    assert lost.unqueued == {}  # published again: it has a new chance


def test_a_message_of_another_attempt_in_the_queue_does_not_count(dispatched_head):
    symbol, ticket = dispatched_head()
    stale = ticket.message.identity
    at = fail_head(symbol) + timedelta(seconds=7)

    report = run_sweep(
        deliveries(queued=frozenset({stale}), unqueued_since={live_message(symbol).identity: LONG_AGO}), now=at
    )

    assert report.lost == 1


@pytest.mark.parametrize(
    ("overdue_s", "heads"),
    [
        pytest.param(-1, 0, id="a waiting retry is the worker's business"),
        pytest.param(5, 0, id="5 s late may be a busy worker"),
        pytest.param(5.1, 1, id="more than 5 s late is looked for"),
    ],
)
def test_retries_are_looked_for_once_they_are_overdue(dispatched_head, overdue_s, heads):
    symbol, _ = dispatched_head()
    fail_head(symbol)
    due = row_of(symbol).next_attempt_at
    assert due is not None

    assert len(mailbox.due_heads(due + timedelta(seconds=overdue_s))) == heads


def test_a_disabled_symbol_is_left_alone(dispatched_head):
    symbol, _ = dispatched_head()
    mailbox.disable(symbol, by="alice", now=T0)

    assert mailbox.due_heads(T0) == []


def test_a_backlog_without_a_head_is_mended(dispatched_head, published):
    symbol, _ = dispatched_head(waiting=1)
    SymbolStatus.objects.filter(symbol=symbol).update(head=None)
    del published[:]

    report = run_sweep(deliveries())

    assert report.idle == 1
    assert row_of(symbol).head == 1


def test_a_lost_control_run_is_published_again(dispatched_head, published):
    symbol, _ = dispatched_head()
    at = fail_head(symbol, 7)
    message = live_message(symbol)
    del published[:]

    run_sweep(deliveries(unqueued_since={message.identity: LONG_AGO}), now=at)

    assert [(m.control, m.retries) for m, _, _ in published] == [(True, 7)]


def test_a_control_run_that_ended_during_the_look_is_not_counted_as_lost(dispatched_head):
    symbol, _ = dispatched_head()
    at = fail_head(symbol, 7)
    message = live_message(symbol)
    due = mailbox.due_heads(at)

    mailbox.control_failed(message, reason="it failed too", now=at)
    mailbox.sweep(due, deliveries(unqueued_since={message.identity: LONG_AGO}), now=at)

    assert (row_of(symbol).stage, row_of(symbol).losses) == ("hold", 0)


def lose(symbol, times, *, now=T0):
    for _ in range(times):
        report = run_sweep(deliveries(unqueued_since={live_message(symbol).identity: LONG_AGO}), now=now)
    return report


def test_a_head_lost_three_times_in_a_row_counts_as_one_failure(dispatched_head):
    symbol, _ = dispatched_head()

    twice = lose(symbol, 2)
    attempts_then = row_of(symbol).attempts
    third = lose(symbol, 1)

    assert (twice.failed, attempts_then) == (0, 0)
    assert (third.failed, row_of(symbol).attempts, row_of(symbol).losses) == (1, 1, 0)
    assert row_of(symbol).last_error == "RunKilled: lost with its worker 3 times in a row"


def test_a_success_in_between_begins_the_count_of_losses_at_0(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)
    lose(symbol, 2)
    mailbox.complete(ticket, [], now=T0)

    lose(symbol, 2)

    assert (row_of(symbol).attempts, row_of(symbol).losses) == (0, 2)


def test_what_a_dead_broker_did_not_take_is_no_loss(dispatched_head, monkeypatch):
    symbol, _ = dispatched_head()

    def broken(*_):
        raise ConnectionError("the broker is away")

    monkeypatch.setattr("scanner_app.messaging.publisher._send", broken)

    lose(symbol, 5)

    assert (row_of(symbol).attempts, row_of(symbol).losses) == (0, 0)


def test_a_run_that_ended_with_an_outage_of_our_own_is_published_again_and_not_counted(dispatched_head, published):
    symbol, ticket = dispatched_head()
    name = ticket.message.identity
    del published[:]

    for _ in range(5):
        run_sweep(deliveries(unqueued_since={name: LONG_AGO}, outages=frozenset({name})))

    assert len(published) == 5
    assert (row_of(symbol).attempts, row_of(symbol).losses, row_of(symbol).lane) == (0, 0, "main")


def test_one_symbol_in_trouble_does_not_keep_the_others_heads_from_coming_back(dispatched_head, published, monkeypatch):
    sick, _ = dispatched_head("SICK")
    well, _ = dispatched_head("WELL")
    SymbolStatus.objects.filter(symbol=sick).update(losses=2)

    def broken(*_args, **_options):
        raise RuntimeError("whatever")

    # By its name: the package exports a function of the module's name.
    monkeypatch.setattr(sys.modules["scanner_app.mailbox.sweep"], "killed", broken)
    del published[:]

    since = {live_message(symbol).identity: LONG_AGO for symbol in (sick, well)}
    run_sweep(deliveries(unqueued_since=since))

    assert [message.ticker for message, _, _ in published] == ["WELL"]


def test_a_head_whose_bar_somebody_has_removed_does_not_stop_the_sweep(dispatched_head):
    from scanner_app.models import Bar

    sick, _ = dispatched_head("SICK")
    dispatched_head("WELL")
    Bar.objects.filter(symbol=sick).delete()

    assert [message.ticker for _, message in mailbox.due_heads(T0)] == ["WELL"]
