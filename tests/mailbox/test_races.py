"""Races with real connections: the same on SQLite and PostgreSQL, "exactly one winner"."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from rest_framework.test import APIClient

from scanner_app import mailbox
from scanner_app.detectors import Signal as Seen
from scanner_app.domain.enums import Outcome
from scanner_app.engine import detector_switches, ingest, reruns, retention, runs
from scanner_app.mailbox.accept import create_symbols
from scanner_app.models import Bar, BarRevision, CircuitBreaker, DetectorEvent, ProcessingFailure, Rerun, Signal, Symbol
from tests.conftest import T0, accept_days, live_message, new_bar, raw_bar, row_of, start_head
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the calls at one moment, each in a thread with a connection of its own; returns what they returned."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


def someone_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


def while_it_waits(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """Call `second` while the transaction of `first` holds its locks, and let that commit; returns what it returned."""
    done, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        try:
            with transaction.atomic():
                first()
                done.set()
                go_on.wait(30)
        finally:
            connection.close()

    def then() -> Any:
        try:
            done.wait(30)
            return second()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        slow, waiting = pool.submit(slowly), pool.submit(then)
        assert done.wait(30)
        if connection.vendor == "postgresql":
            # On SQLite the second transaction can't even begin, which nobody can watch.
            wait_until(someone_waits_for_a_lock, "the second waits for the row")
        go_on.set()
        slow.result(30)
        return waiting.result(30)


def test_a_completion_that_waited_for_the_row_sees_the_bar_that_ingest_has_just_committed(dispatched_head, published):
    symbol, ticket = dispatched_head()
    del published[:]

    outcome = while_it_waits(
        lambda: mailbox.accept([new_bar(day=1)], now=T0), lambda: mailbox.complete(ticket, [], now=T0)
    )

    assert outcome is Outcome.COMPLETED
    assert row_of(symbol).head == 2
    assert [message.sequence for message, _, _ in published] == [2]


def test_of_many_completions_of_one_bar_one_wins(dispatched_head):
    symbol, ticket = dispatched_head(waiting=1)

    outcomes = at_once([lambda: mailbox.complete(ticket, [], now=T0)] * 8)

    assert sorted(outcomes) == [Outcome.COMPLETED] + [Outcome.SUPERSEDED] * 7
    assert (row_of(symbol).cursor, row_of(symbol).bars_processed) == (1, 1)


def test_of_many_failures_of_one_attempt_one_counts(dispatched_head):
    symbol, ticket = dispatched_head()

    outcomes = at_once([lambda: mailbox.fail(ticket, ValueError("no good"), now=T0)] * 8)

    assert sorted(outcomes) == [Outcome.RETRYING] + [Outcome.SUPERSEDED] * 7
    assert row_of(symbol).attempts == 1
    assert CircuitBreaker.objects.get().failures == 1
    assert ProcessingFailure.objects.count() == 1


@pytest.mark.parametrize("turn", range(5))
def test_a_failure_and_a_success_of_one_bar_leave_it_processed_once(dispatched_head, turn):
    symbol, ticket = dispatched_head(waiting=1)

    failed, completed = at_once(
        [
            lambda: mailbox.fail(ticket, ValueError("no good"), now=T0),
            lambda: mailbox.complete(ticket, [], now=T0),
        ]
    )

    assert completed is Outcome.COMPLETED
    assert failed in {Outcome.RETRYING, Outcome.SUPERSEDED}
    assert (row_of(symbol).cursor, row_of(symbol).head, row_of(symbol).attempts) == (1, 2, 0)
    assert CircuitBreaker.objects.get().failures == 0


def test_of_many_deferrals_of_one_message_one_is_published(dispatched_head, published):
    symbol, _ = dispatched_head()
    mailbox.disable(symbol, by="alice", now=T0)
    mailbox.enable(symbol, by="alice", now=T0)
    CircuitBreaker.objects.update(failures=3, opened_at=T0, incident_at=T0)
    del published[:]
    early = live_message(symbol)

    outcomes = at_once([lambda: mailbox.start(early, now=T0)] * 8)

    assert sorted(outcomes) == [Outcome.DEFERRED] + [Outcome.SUPERSEDED] * 7
    assert len(published) == 1


def test_calls_with_the_same_symbols_at_one_moment_neither_deadlock_nor_skip_a_number():
    tickers = [f"S{number}" for number in range(10)]
    create_symbols(tickers, at_most=100, now=T0)

    def send(days: range, order: Sequence[str]) -> Callable[[], int]:
        bars = [raw_bar(ticker, day) for ticker in order for day in days]
        return lambda: ingest.accept(bars, now=T0).accepted

    accepted = at_once(
        [
            send(range(20), tickers),
            send(range(10, 30), tickers[::-1]),
            send(range(20, 40), tickers[5:] + tickers[:5]),
            send(range(40), tickers[::-1]),
        ]
    )

    assert sum(accepted) == 400
    for symbol in Symbol.objects.all():
        numbers = list(Bar.objects.filter(symbol=symbol).order_by("sequence").values_list("sequence", flat=True))
        assert numbers == list(range(1, 41))
        row = row_of(symbol)
        assert (row.last_sequence, row.head) == (40, 1)


def test_the_cap_on_symbols_holds_for_calls_at_one_moment():
    created = at_once(
        [
            lambda: create_symbols(["A", "B"], at_most=3, now=T0),
            lambda: create_symbols(["C", "D"], at_most=3, now=T0),
            lambda: create_symbols(["E", "A"], at_most=3, now=T0),
        ]
    )

    assert Symbol.objects.count() == 3
    assert set().union(*(one.created for one in created)) == set(Symbol.objects.values_list("ticker", flat=True))


def test_of_two_calls_that_add_one_ticker_at_one_moment_one_has_created_it():
    watched = at_once([lambda: create_symbols(["TSLA"], at_most=9, now=T0)] * 6)

    assert sorted(len(one.created) for one in watched) == [0] * 5 + [1]
    assert sorted(len(one.known) for one in watched) == [0] + [1] * 5
    assert Symbol.objects.get().events.filter(kind="created").count() == 1


def test_of_two_requests_that_add_one_ticker_at_one_moment_one_is_told_that_it_created_it():
    operator = User.objects.create_superuser("olga")

    def post() -> int:
        client = APIClient()
        client.force_authenticate(operator)
        return client.post("/api/v1/scanner/symbols", {"symbol": "TSLA"}, format="json").status_code

    assert sorted(at_once([post] * 6)) == [201] + [409] * 5


def test_accepting_and_completing_at_one_moment_never_leaves_a_backlog_without_a_head():
    accept_days("TSLA", 1)
    symbol = Symbol.objects.get()
    for day in range(1, 15):
        ticket = start_head(symbol)
        at_once(
            [
                partial(mailbox.accept, [new_bar(day=day)], now=T0),
                partial(mailbox.complete, ticket, [], now=T0),
            ]
        )

        assert row_of(symbol).head == day + 1


def test_of_two_operators_who_disable_at_one_moment_one_leaves_an_event(dispatched_head):
    symbol, _ = dispatched_head()

    at_once([lambda: mailbox.disable(symbol, by="alice", now=T0)] * 4)

    assert symbol.events.filter(kind="disabled").count() == 1
    assert row_of(symbol).epoch == 1


def test_a_completion_that_waited_for_a_revision_of_its_bar_finishes_it_and_has_it_looked_at_again(dispatched_head):
    symbol, ticket = dispatched_head()

    outcome = while_it_waits(
        lambda: mailbox.accept([new_bar(day=0, close=11.5)], now=T0, revising=True),
        lambda: mailbox.complete(ticket, [], now=T0),
    )

    assert outcome is Outcome.COMPLETED
    bar = Bar.objects.get()
    assert (bar.status, bar.close, row_of(symbol).cursor) == ("processed", 11.5, 1)
    assert Rerun.objects.get().first == ticket.timestamp


def three_bars_of_which_one_is_kept(settings, monkeypatch) -> None:
    """By retention, which has not run yet."""
    settings.SCANNER_KEEP_BARS_DAYS = 1
    settings.SCANNER_DETECTORS = []
    monkeypatch.setattr(retention, "SPARE_BARS", 1)
    accept_days("TSLA", 3)
    process("TSLA")


def test_a_revision_that_waited_for_the_removal_of_its_bar_by_retention_finds_no_bar(symbol, settings, monkeypatch):
    three_bars_of_which_one_is_kept(settings, monkeypatch)

    verdicts = while_it_waits(
        lambda: retention.prune(T0),
        lambda: mailbox.accept([new_bar(day=0, close=11.5)], now=T0, revising=True),
    )

    assert verdicts == [mailbox.Verdict.ACCEPTED], "by now it is a new bar"
    assert not BarRevision.objects.exists()


def test_retention_that_waited_for_a_revision_of_its_bar_removes_both(symbol, settings, monkeypatch):
    three_bars_of_which_one_is_kept(settings, monkeypatch)

    removed = while_it_waits(
        lambda: mailbox.accept([new_bar(day=0, close=11.5)], now=T0, revising=True),
        lambda: retention.prune(T0),
    )

    assert removed == {"bars": 2}
    assert not BarRevision.objects.exists()


class Higher:
    """Sees a bar that closed above the mean of its window, by how much."""

    name, bars_needed = "higher", 4

    def detect(self, window):
        yield Seen("HIGHER", "bullish", 20 + float(window.close[-1] - window.close.mean()))


def process(ticker: str) -> None:
    symbol = Symbol.objects.get(ticker=ticker)
    while row_of(symbol).head is not None:
        runs.process_head(live_message(symbol))


def valid(ticker: str) -> list[Any]:
    rows = Signal.objects.filter(symbol__ticker=ticker, withdrawn_at=None).order_by("timestamp", "pattern")
    return list(rows.values_list("timestamp", "detector", "pattern", "direction", "strength"))


def test_revisions_completions_and_looks_at_one_moment_neither_deadlock_nor_leave_old_signals(monkeypatch, settings):
    settings.SCANNER_DETECTORS = [f"{__name__}.Higher"]
    tickers = ["A", "B", "C"]
    create_symbols(tickers, at_most=9, now=T0)
    monkeypatch.setattr(reruns, "BUDGET_S", 0.05)
    now = T0 + timedelta(days=100)
    for ticker in tickers:
        mailbox.accept([new_bar(ticker, day) for day in range(12)], now=now)

    def revise(order: Sequence[str], close: float) -> None:
        for day in range(12):
            mailbox.accept([new_bar(ticker, day, close=close) for ticker in order], now=now, revising=True)

    def look() -> None:
        for _ in range(20):
            reruns.run(lambda: now)

    at_once(
        [
            *(partial(process, ticker) for ticker in tickers),
            partial(revise, tickers, 11.5),
            partial(revise, tickers[::-1], 9.5),
            look,
            look,
        ]
    )
    later = now + timedelta(hours=1)
    while Rerun.objects.exists():
        reruns.run(lambda: later)

    assert not Bar.objects.exclude(status="processed").exists()
    for ticker in tickers:
        bars = Bar.objects.filter(symbol__ticker=ticker).order_by("sequence")
        assert [bar.sequence for bar in bars] == list(range(1, 13))
        fresh = f"{ticker}2"
        create_symbols([fresh], at_most=9, now=now)
        mailbox.accept([new_bar(fresh, day, close=bar.close) for day, bar in enumerate(bars)], now=now)
        process(fresh)
        assert valid(ticker) == valid(fresh) != []


def test_of_many_operators_who_switch_a_detector_at_one_moment_one_does_it():
    off = [partial(detector_switches.switch_off, "first", by=f"operator {number}", now=T0) for number in range(4)]
    on = [partial(detector_switches.switch_on, "first", by=f"operator {number}", now=T0) for number in range(4)]

    assert sorted(at_once(off)) == [False, False, False, True]
    assert sorted(at_once(on)) == [False, False, False, True]

    assert list(DetectorEvent.objects.order_by("id").values_list("kind", flat=True)) == ["off", "on"]


@pytest.mark.parametrize("turn", range(3))
def test_a_symbol_that_is_cleared_beside_its_operators_and_its_run_loses_no_bar(dispatched_head, published, turn):
    symbol, ticket = dispatched_head(waiting=2)
    error = ValueError("no good")
    mailbox.fail(ticket, error, now=T0)
    ProcessingFailure.objects.update(detector="first")
    retry = start_head(symbol, now=T0 + timedelta(hours=1))
    (stopped,) = mailbox.stopped_by({"first"})
    del published[:]

    at_once(
        [
            lambda: mailbox.clear(stopped, by="olga", now=T0, reason="first is off"),
            lambda: mailbox.clear(stopped, by="olga", now=T0, reason="first is off"),
            lambda: mailbox.fail(retry, error, now=T0),
            lambda: mailbox.complete(retry, [], now=T0),
            lambda: mailbox.skip(symbol, by="otto", now=T0),
            lambda: mailbox.reset(symbol, by="otto", now=T0),
        ]
    )

    row = row_of(symbol)
    statuses = list(Bar.objects.filter(symbol=symbol).order_by("sequence").values_list("status", flat=True))
    done = [status for status in statuses if status != "waiting"]
    assert (row.cursor, row.head) == (len(done), len(done) + 1 if len(done) < len(statuses) else None)
    assert row.bars_processed == statuses.count("processed")
    assert statuses == sorted(statuses, key=lambda status: status == "waiting")
    if row.head is not None:
        live = live_message(symbol)
        assert [one for one, _, _ in published if (one.sequence, one.epoch) == (live.sequence, live.epoch)]
