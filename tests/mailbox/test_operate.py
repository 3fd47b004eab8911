"""Operators' actions."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.domain.breaker import Breaker
from scanner_app.domain.enums import EventKind, Outcome
from scanner_app.domain.errors import NothingToSkip
from scanner_app.mailbox import operate, operate_bulk
from scanner_app.models import Bar, QuarantinedBar, Symbol, SymbolStatus
from scanner_app.reading import status, symbol_filters, symbol_status
from tests.conftest import T0, accept_days, fail_head, live_message, row_of, snapshot, start_head

pytestmark = pytest.mark.django_db(transaction=True)


def test_reset_closes_the_breaker_and_publishes_the_head_at_once_under_a_new_epoch(dispatched_head, published):
    symbol, _ = dispatched_head(waiting=1)
    fail_head(symbol, 4)
    del published[:]

    mailbox.reset(symbol, by="alice", reason="fixed the feed", now=T0 + timedelta(seconds=40))

    symbol.breaker.refresh_from_db()
    assert symbol.breaker.value == Breaker()
    row = row_of(symbol)
    assert (row.head, row.attempts, row.epoch, row.next_attempt_at) == (1, 0, 1, None)
    assert [(m.sequence, m.epoch, m.retries, due) for m, _, due in published] == [(1, 1, 0, None)]
    event = symbol.events.order_by("-id")[0]
    assert (event.kind, event.actor, event.reason) == ("reset", "alice", "fixed the feed")
    assert event.bar_id == Bar.objects.get(sequence=1).pk, "the bar that it lets run has it in its story"


def test_the_retry_that_waited_is_stale_after_a_reset(dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 1)
    waiting = live_message(symbol)
    mailbox.reset(symbol, by="alice", now=T0)
    before = snapshot(symbol)

    assert mailbox.start(waiting, now=T0 + timedelta(seconds=1)) is Outcome.SUPERSEDED
    assert snapshot(symbol) == before


def test_a_failure_of_a_run_from_before_the_reset_does_not_count(dispatched_head):
    symbol, running = dispatched_head()
    mailbox.reset(symbol, by="alice", now=T0)

    assert mailbox.fail(running, ValueError("old"), now=T0) is Outcome.SUPERSEDED
    assert row_of(symbol).attempts == 0


def test_a_success_of_a_run_from_before_the_reset_does(dispatched_head):
    symbol, running = dispatched_head()
    mailbox.reset(symbol, by="alice", now=T0)

    assert mailbox.complete(running, [], now=T0) is Outcome.COMPLETED


def test_skip_sets_the_head_aside_and_the_next_is_the_head(dispatched_head, published):
    symbol, _ = dispatched_head(waiting=1)
    fail_head(symbol, 2)
    del published[:]

    mailbox.skip(symbol, by="alice", reason="known bad", now=T0)

    row = row_of(symbol)
    assert (row.head, row.cursor, row.attempts, row.epoch) == (2, 1, 0, 1)
    entry = QuarantinedBar.objects.get()
    assert entry.reason == "skipped by alice: known bad"
    assert (entry.error_type, entry.attempt) == ("ValueError", 2)
    assert Bar.objects.get(sequence=1).status == "quarantined"
    assert [(m.sequence, m.epoch) for m, _, _ in published] == [(2, 1)]


def test_after_a_skip_with_an_open_breaker_the_next_is_the_probe(dispatched_head, published):
    symbol, _ = dispatched_head(waiting=1)
    failed_at = fail_head(symbol, 3)
    del published[:]

    mailbox.skip(symbol, by="alice", now=failed_at)

    assert [(m.sequence, due) for m, _, due in published] == [(2, failed_at + timedelta(seconds=30))]


def test_skip_without_a_head_is_refused_and_changes_nothing(symbol):
    before = snapshot(symbol)

    with pytest.raises(NothingToSkip, match="TSLA"):
        mailbox.skip(symbol, by="alice", now=T0)

    assert snapshot(symbol) == before


def test_a_disabled_symbol_accepts_but_publishes_nothing(dispatched_head, published):
    symbol, running = dispatched_head()
    del published[:]

    mailbox.disable(symbol, by="alice", now=T0)
    accept_days("TSLA", 2, first=1)
    outcome = mailbox.complete(running, [], now=T0)

    assert outcome is Outcome.COMPLETED  # a running bar may finish
    assert row_of(symbol).head == 2
    assert published == []
    assert mailbox.start(live_message(symbol), now=T0) is Outcome.SUPERSEDED


def test_enabling_publishes_the_waiting_head_and_its_bars_are_held(dispatched_head, published):
    symbol, running = dispatched_head(waiting=1)
    mailbox.disable(symbol, by="alice", now=T0)
    mailbox.complete(running, [], now=T0)
    later = T0 + timedelta(hours=1)

    mailbox.enable(symbol, by="bob", now=later)
    mailbox.complete(start_head(symbol, now=later), [], now=later)

    assert published[-1][0].sequence == 2
    assert list(Bar.objects.order_by("sequence").values_list("held", flat=True)) == [False, True]
    assert list(symbol.events.order_by("id").values_list("kind", "actor"))[1:] == [
        ("disabled", "alice"),
        ("enabled", "bob"),
    ]


@pytest.mark.parametrize("act", [mailbox.enable, mailbox.disable], ids=["enable", "disable"])
def test_a_second_time_changes_nothing(symbol, act):
    Symbol.objects.filter(pk=symbol.pk).update(enabled=act is mailbox.enable)
    before = snapshot(symbol)

    act(symbol, by="alice", now=T0)

    assert snapshot(symbol) == before


# -------------------------------------------------------------- a disable with an end, thresholds, what was changed


def test_a_symbol_disabled_until_a_time_is_enabled_by_itself_then_and_not_before(dispatched_head, published):
    symbol, _ = dispatched_head(waiting=1)
    until = T0 + timedelta(minutes=5)
    mailbox.disable(symbol, by="olga", now=T0, until=until)
    del published[:]

    too_early = mailbox.enable_due(until - timedelta(seconds=1))
    in_time, again = mailbox.enable_due(until), mailbox.enable_due(until)

    assert (too_early, in_time, again) == (0, 1, 0)
    symbol.refresh_from_db()
    assert (symbol.enabled, symbol.disabled_until) == (True, None)
    assert [message.sequence for message, _, _ in published] == [1]
    event = symbol.events.order_by("-id")[0]
    assert (event.kind, event.actor, event.reason) == (
        ("enabled", "scanner", "the time for which it was disabled is over")
    )


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda symbol: mailbox.disable(symbol, by="otto", now=T0), id="without an end"),
        pytest.param(
            lambda symbol: mailbox.disable(symbol, by="otto", now=T0, until=T0 + timedelta(hours=9)), id="longer"
        ),
    ],
)
def test_an_operator_who_disables_it_again_has_the_last_word(symbol, meanwhile):
    until = T0 + timedelta(minutes=5)
    mailbox.disable(symbol, by="olga", now=T0, until=until)
    stale = Symbol.objects.get(pk=symbol.pk)

    assert meanwhile(symbol)
    changed = operate._switch(
        stale, EventKind.ENABLED, "scanner", until, "", enabled=True, only_until=stale.disabled_until
    )

    symbol.refresh_from_db()
    assert (changed, symbol.enabled) == (False, False)


def test_a_new_end_of_a_disabled_symbol_is_an_event_and_leaves_its_message_alone(dispatched_head, published):
    symbol, _ = dispatched_head()
    mailbox.disable(symbol, by="olga", now=T0)
    epoch = row_of(symbol).epoch
    del published[:]

    assert mailbox.disable(symbol, by="olga", now=T0, until=T0 + timedelta(hours=1))

    assert (row_of(symbol).epoch, published) == (epoch, [])
    assert symbol.events.filter(kind="disabled").count() == 2


def test_a_deleted_symbol_is_not_enabled_by_itself(symbol):
    mailbox.disable(symbol, by="olga", now=T0, until=T0 + timedelta(minutes=1))
    mailbox.delete(symbol, by="olga", now=T0)

    assert mailbox.enable_due(T0 + timedelta(hours=1)) == 0


def test_a_limit_of_its_own_decides_what_is_slow(symbol):
    SymbolStatus.objects.update(
        latencies=[[900, int(T0.timestamp())]] * 20, longest_latency_ms=900, last_processed_at=T0
    )
    slow = symbol_status.slow_symbols(T0)

    mailbox.set_p95(symbol, 900, by="olga", now=T0)
    at_its_limit = symbol_status.slow_symbols(T0)
    mailbox.set_p95(symbol, 100, by="olga", now=T0)
    SymbolStatus.objects.update(latencies=[[150, int(T0.timestamp())]] * 20, longest_latency_ms=150)
    below_the_settings = symbol_status.slow_symbols(T0)

    assert (slow, at_its_limit, below_the_settings) == ({"TSLA": 900}, {}, {"TSLA": 150})
    reasons = status.overview(T0).reasons
    assert reasons == ["TSLA: its p95 latency is 150 ms, over 100 ms."]


def test_an_action_on_all_leaves_alone_what_no_longer_matches_when_its_turn_comes(db, monkeypatch):
    for ticker in ("AAPL", "TSLA"):
        accept_days(ticker, 2)
        fail_head(Symbol.objects.get(ticker=ticker), 1)
    retrying = symbol_filters.matching(symbol_filters.Filter(retrying=True), T0)
    skip = mailbox.skip

    def skip_while_the_other_recovers(symbol, **how):
        skip(symbol, **how)
        other = Symbol.objects.get(ticker="TSLA")
        if symbol.ticker == "AAPL":
            now = T0 + timedelta(seconds=5)
            mailbox.complete(start_head(other, now=now), [], now=now)

    monkeypatch.setattr(mailbox, "skip", skip_while_the_other_recovers)

    done = operate_bulk.act_on_all("skip", retrying, by="olga", clock=lambda: T0)

    assert done == ["AAPL"]
    assert not QuarantinedBar.objects.filter(symbol__ticker="TSLA").exists()
