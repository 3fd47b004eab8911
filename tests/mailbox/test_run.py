"""A head that succeeds, and messages that are stale."""

from dataclasses import replace
from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.detectors import Direction, Finding
from scanner_app.domain.enums import Outcome
from scanner_app.mailbox import Ticket
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, Signal
from tests.conftest import T0, TODAY, accept_days, fail_head, live_message, new_bar, row_of, snapshot, start_head

pytestmark = pytest.mark.django_db(transaction=True)

GAP = Finding("gaps", "GAP", Direction.BULLISH, 1.5)


def test_the_first_bar_of_an_idle_symbol_becomes_the_head_and_is_published(symbol, published):
    accept_days("TSLA", 2)

    assert row_of(symbol).head == 1
    assert [(message.sequence, message.retries, lane, due) for message, lane, due in published] == [
        (1, 0, "main", None)
    ]


def test_a_message_says_for_people_what_it_is(symbol, published):
    accept_days("TSLA", 1)

    message = published[0][0]
    assert str(message) == "TSLA 1d 2024-01-01T00:00:00Z #1 attempt 1"
    assert message.task_id == "TSLA-1-e0"


def test_starting_writes_nothing(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    before = snapshot(symbol)

    start_head(symbol)

    assert snapshot(symbol) == before


def test_a_ticket_has_the_bar(dispatched_head):
    _, ticket = dispatched_head()

    assert (ticket.timeframe, ticket.open, ticket.high, ticket.low, ticket.close, ticket.volume) == (
        ("1d", 10.0, 12.0, 9.0, 11.0, 1000.0)
    )
    assert ticket.accepted_at == T0
    assert ticket.timestamp.utcoffset() == timedelta(0)


def test_completion_stores_the_effects_and_publishes_the_next_head(dispatched_head, published):
    symbol, ticket = dispatched_head(waiting=2, first=TODAY)
    del published[:]

    outcome = mailbox.complete(ticket, [GAP], now=T0 + timedelta(milliseconds=120))

    assert outcome is Outcome.COMPLETED
    row = row_of(symbol)
    assert (row.head, row.cursor, row.bars_processed, row.backlog) == (2, 1, 1, 2)
    assert (row.avg_latency_ms, row.p95_latency_ms, row.longest_latency_ms) == (120, 120, 120)
    assert (row.last_bar_time, row.last_processed_at) == (ticket.timestamp, T0 + timedelta(milliseconds=120))
    bar = Bar.objects.get(sequence=1)
    assert (bar.status, bar.attempts, bar.latency_ms, bar.held) == ("processed", 1, 120, False)
    signal = Signal.objects.get()
    assert (signal.bar_id, signal.detector, signal.pattern, signal.direction, signal.strength) == (
        (bar.pk, "gaps", "GAP", "bullish", 1.5)
    )
    assert signal.timestamp == bar.timestamp
    assert [(message.sequence, due) for message, _, due in published] == [(2, None)]


def test_the_last_bar_leaves_the_symbol_idle(dispatched_head, published):
    symbol, ticket = dispatched_head()
    del published[:]

    mailbox.complete(ticket, [], now=T0)

    row = row_of(symbol)
    assert (row.head, row.cursor, row.last_sequence) == (None, 1, 1)
    assert published == []


def test_a_repeated_completion_changes_nothing(dispatched_head, published):
    symbol, ticket = dispatched_head(waiting=1)
    mailbox.complete(ticket, [GAP], now=T0)
    before, sent = snapshot(symbol), len(published)

    outcome = mailbox.complete(ticket, [GAP], now=T0)

    assert outcome is Outcome.SUPERSEDED
    assert snapshot(symbol) == before
    assert len(published) == sent


def test_a_superseded_completion_changes_nothing(dispatched_head, published):
    symbol, stale = dispatched_head(waiting=1)
    mailbox.skip(symbol, by="alice", now=T0)  # 1 is in quarantine, 2 is the head
    before = snapshot(symbol)
    sent = [message.sequence for message, _, _ in published]

    outcome = mailbox.complete(stale, [GAP], now=T0)

    assert outcome is Outcome.SUPERSEDED
    assert snapshot(symbol) == before
    assert sent == [1, 2] == [message.sequence for message, _, _ in published]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sequence": 2}, id="a later bar"),
        pytest.param({"sequence": 0}, id="an earlier bar"),
        pytest.param({"epoch": 1}, id="another epoch"),
        pytest.param({"retries": 1}, id="another attempt"),
        pytest.param({"symbol_id": 999_999}, id="no such symbol"),
    ],
)
def test_a_message_that_is_not_live_does_nothing(dispatched_head, change):
    symbol, ticket = dispatched_head(waiting=1)
    stale: Message = replace(ticket.message, **change)
    before = snapshot(symbol)

    outcome = mailbox.start(stale, now=T0)

    assert outcome is Outcome.SUPERSEDED
    assert snapshot(symbol) == before


def test_a_success_is_taken_from_an_older_attempt_as_long_as_the_bar_is_the_head(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)
    fail_head(symbol)

    outcome = mailbox.complete(ticket, [GAP], now=T0)

    assert outcome is Outcome.COMPLETED
    assert row_of(symbol).head == 2
    assert symbol.breaker.failures == 0


def test_a_success_after_failures_resets_the_count_and_leaves_an_event(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    failed_at = fail_head(symbol, 2)
    later = failed_at + timedelta(seconds=2)

    mailbox.complete(start_head(symbol, now=later), [], now=later)

    symbol.breaker.refresh_from_db()
    assert symbol.breaker.failures == 0
    assert Bar.objects.get(sequence=1).attempts == 3
    assert list(symbol.events.order_by("id").values_list("kind", flat=True)) == [
        "created",
        "paused",
        "paused",
        "recovered",
    ]


def test_bars_of_a_pause_are_held_and_stay_out_of_the_figures_until_it_is_worked_off(dispatched_head):
    symbol, _ = dispatched_head(waiting=2)
    failed_at = fail_head(symbol)
    later = failed_at + timedelta(seconds=60)

    for _ in range(3):
        mailbox.complete(start_head(symbol, now=later), [], now=later)
    accept_days("TSLA", 1, first=TODAY, now=later)
    mailbox.complete(start_head(symbol, now=later), [], now=later + timedelta(milliseconds=5))

    held = list(Bar.objects.order_by("sequence").values_list("held", "latency_ms"))
    assert held == [(True, 60_000), (True, 60_000), (True, 60_000), (False, 5)]
    assert row_of(symbol).p95_latency_ms == 5


def test_a_bar_that_was_history_when_it_came_stays_out_of_the_figures(symbol):
    edge = T0 - timedelta(minutes=3)  # a minute's bar that ended two minutes ago
    times = [edge - timedelta(seconds=1), edge]
    mailbox.accept([new_bar(timeframe="1m", timestamp=time) for time in times], now=T0)

    for took_ms in (900, 30):
        mailbox.complete(start_head(symbol), [], now=T0 + timedelta(milliseconds=took_ms))

    assert list(Bar.objects.order_by("sequence").values_list("held", "latency_ms")) == [(False, 900), (False, 30)]
    row = row_of(symbol)
    assert ([ms for ms, _ in row.latencies], row.p95_latency_ms, row.bars_processed) == ([30], 30, 2)


def test_bars_that_waited_for_their_worker_to_start_are_held_with_those_behind_them(symbol):
    accept_days("TSLA", 1, first=TODAY, now=T0)
    started = T0 + timedelta(seconds=60)
    accept_days("TSLA", 1, first=TODAY + 1, now=started + timedelta(seconds=1))
    later = started + timedelta(seconds=9)

    for _ in range(2):
        ticket = mailbox.start(live_message(symbol), now=later, serving_since=started)
        assert isinstance(ticket, Ticket)
        mailbox.complete(ticket, [], now=later)
    accept_days("TSLA", 1, first=TODAY + 2, now=later)
    ticket = mailbox.start(live_message(symbol), now=later, serving_since=started)
    assert isinstance(ticket, Ticket)
    mailbox.complete(ticket, [], now=later + timedelta(milliseconds=5))

    assert list(Bar.objects.order_by("sequence").values_list("held", flat=True)) == [True, True, False]
    assert [ms for ms, _ in row_of(symbol).latencies] == [5]


def test_a_failed_publish_does_not_undo_a_completion(dispatched_head, monkeypatch):
    symbol, ticket = dispatched_head(waiting=1)

    def broken(*_):
        raise ConnectionError("the broker is away")

    monkeypatch.setattr("scanner_app.messaging.publisher._send", broken)

    outcome = mailbox.complete(ticket, [], now=T0)

    assert outcome is Outcome.COMPLETED
    assert row_of(symbol).head == 2


def test_late_signals_are_marked(symbol):
    accept_days("TSLA", 1, first=5)
    accept_days("TSLA", 1, first=1)
    mailbox.complete(start_head(symbol), [GAP], now=T0)

    ticket = start_head(symbol)
    assert isinstance(ticket, Ticket)
    mailbox.complete(ticket, [GAP], now=T0)

    assert list(Signal.objects.order_by("id").values_list("late", flat=True)) == [False, True]


def test_an_early_message_is_published_again_for_its_time_and_only_once(dispatched_head, published):
    symbol, _ = dispatched_head()
    fail_head(symbol, 3)
    early = live_message(symbol)
    due = row_of(symbol).next_attempt_at
    del published[:]

    outcomes = [mailbox.start(early, now=T0 + timedelta(seconds=7)) for _ in range(3)]

    assert outcomes == [Outcome.DEFERRED, Outcome.SUPERSEDED, Outcome.SUPERSEDED]
    assert [(message.retries, message.deferrals, at) for message, _, at in published] == [(3, 1, due)]
    assert row_of(symbol).attempts == 3


def test_a_bar_may_wait_for_months(dispatched_head):
    _, ticket = dispatched_head()

    outcome = mailbox.complete(ticket, [], now=T0 + timedelta(days=100))  # more milliseconds than 32 bits hold

    assert outcome is Outcome.COMPLETED
    assert Bar.objects.get().latency_ms == 100 * 86_400_000
