"""Deleting a symbol."""

import pytest

from scanner_app import mailbox
from scanner_app.domain.enums import Outcome
from scanner_app.domain.errors import BarsWaiting
from scanner_app.mailbox import Verdict, remove
from scanner_app.models import Bar, BarRevision, Gap, Symbol
from tests.conftest import T0, accept_days, new_bar, row_of, snapshot

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_symbol_with_waiting_bars_is_not_deleted(dispatched_head):
    symbol, _ = dispatched_head(waiting=1)
    before = snapshot(symbol)

    with pytest.raises(BarsWaiting, match="2 bars of TSLA wait"):
        mailbox.delete(symbol, by="alice", now=T0)

    assert snapshot(symbol) == before


def test_force_drops_them_and_refuses_new_bars_until_all_is_gone(dispatched_head):
    symbol, running = dispatched_head(waiting=1)

    mailbox.delete(symbol, by="alice", now=T0, force=True)

    assert mailbox.accept([new_bar(day=7)], now=T0) == [Verdict.DELETED]
    assert mailbox.start(running.message, now=T0) is Outcome.SUPERSEDED


def test_rows_are_removed_in_batches_and_the_symbol_last(dispatched_head, monkeypatch):
    monkeypatch.setattr("scanner_app.mailbox.remove.BATCH", 2)
    symbol, _ = dispatched_head(waiting=4)
    accept_days("AAPL", 1)
    mailbox.delete(symbol, by="alice", now=T0, force=True)

    batches = 1
    while mailbox.remove_rows(symbol.pk):
        batches += 1

    assert batches == 5  # events 1 (created, deleted), bars 3, the symbol
    assert list(Symbol.objects.values_list("ticker", flat=True)) == ["AAPL"]
    assert Bar.objects.count() == 1


def test_the_old_values_of_bars_are_removed_in_batches_before_their_bars(dispatched_head, monkeypatch):
    symbol, _ = dispatched_head()
    for close in (11.25, 11.5, 11.75):
        mailbox.accept([new_bar(close=close)], now=T0, revising=True)
    monkeypatch.setattr(remove, "BATCH", 2)
    mailbox.delete(symbol, by="alice", now=T0, force=True)

    left = []
    while mailbox.remove_rows(symbol.pk):
        left.append((BarRevision.objects.count(), Bar.objects.count()))

    assert (1, 1) in left
    assert left[-1] == (0, 0)


def test_holes_of_a_live_feed_are_removed_in_batches(dispatched_head, monkeypatch):
    symbol, _ = dispatched_head()
    about = {
        "symbol": symbol,
        "timeframe": "1m",
        "first": T0,
        "last": T0,
        "missing": 1,
        "found_at": T0,
        "cause": "start",
    }
    Gap.objects.bulk_create([Gap(**about) for _ in range(5)])
    monkeypatch.setattr(remove, "BATCH", 2)
    mailbox.delete(symbol, by="alice", now=T0, force=True)

    left = []
    while mailbox.remove_rows(symbol.pk):
        left.append(Gap.objects.count())

    assert [count for count in left if 0 < count < 5] == [3, 1]


def test_rows_of_a_living_symbol_are_never_removed(dispatched_head):
    symbol, _ = dispatched_head()

    assert mailbox.remove_rows(symbol.pk) is False
    assert Bar.objects.count() == 1


def test_afterwards_the_ticker_is_free_again(dispatched_head):
    symbol, _ = dispatched_head()
    mailbox.delete(symbol, by="alice", now=T0, force=True)
    while mailbox.remove_rows(symbol.pk):
        pass

    accept_days("TSLA", 1)

    assert row_of(Symbol.objects.get(ticker="TSLA")).last_sequence == 1


def test_a_completion_of_a_running_bar_after_the_deletion_is_harmless(dispatched_head):
    symbol, running = dispatched_head()
    mailbox.delete(symbol, by="alice", now=T0, force=True)
    while mailbox.remove_rows(symbol.pk):
        pass

    assert mailbox.complete(running, [], now=T0) is Outcome.SUPERSEDED
