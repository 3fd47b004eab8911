"""The common completion is one statement on PostgreSQL; all others, and SQLite's, are run.complete()'s transaction."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from scanner_app import mailbox
from scanner_app.detectors import Finding
from scanner_app.detectors.interface import Direction
from scanner_app.domain.enums import BarStatus, Lane, Outcome
from scanner_app.mailbox import sql
from scanner_app.models import Bar, CircuitBreaker, Signal, Symbol, SymbolStatus
from tests.conftest import T0, accept_days, new_bar, start_head
from tests.mailbox.test_races import while_it_waits

pytestmark = pytest.mark.django_db(transaction=True)

FOUND = [
    Finding(detector="d", pattern=pattern, direction=Direction.BULLISH, strength=strength, version="3")
    for pattern, strength in (("A", 1.5), ("B", -100))
]


@pytest.fixture
def transactions(monkeypatch):
    """The sequences of the heads that were completed in a transaction."""
    seen: list[int] = []
    original = sql.complete_head

    def counted(ticket, *args, **options):
        seen.append(ticket.message.sequence)
        return original(ticket, *args, **options)

    monkeypatch.setattr(sql, "complete_head", counted)
    return seen


def states(symbol):
    """All that a completion writes, but ids."""
    return [
        list(rows)
        for rows in (
            SymbolStatus.objects.filter(symbol=symbol).values(),
            Bar.objects.filter(symbol=symbol).order_by("sequence").values(),
            [{**row, "id": 0} for row in Signal.objects.filter(symbol=symbol).order_by("pattern").values()],
        )
    ]


@pytest.mark.parametrize("prepared", [True, False])
def test_a_common_head_is_completed_by_one_statement(symbol, transactions, published, settings, prepared):
    settings.SCANNER_PREPARED_STATEMENTS = prepared
    accept_days("TSLA", 2)
    ticket = start_head(symbol)
    published.clear()

    assert mailbox.complete(ticket, FOUND, now=T0) is Outcome.COMPLETED

    assert transactions == ([] if connection.vendor == "postgresql" else [1])
    assert [row.pattern for row in Signal.objects.order_by("pattern")] == ["A", "B"]
    assert [message.sequence for message, *_ in published] == [2]
    assert mailbox.complete(ticket, FOUND, now=T0) is Outcome.SUPERSEDED


def test_both_ways_store_the_same(symbol, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one way alone")
    accept_days("TSLA", 1)
    accept_days("IBM", 1)
    other = Symbol.objects.get(ticker="IBM")
    mailbox.complete(start_head(symbol), FOUND, now=T0)
    monkeypatch.setattr("scanner_app.mailbox.at_once.complete", lambda *_, **__: None)

    mailbox.complete(start_head(other), FOUND, now=T0)

    one, two = states(symbol), states(other)
    same_but = {"symbol_id", "bar_id", "id"}
    for rows, others in zip(one, two, strict=True):
        assert [{k: v for k, v in row.items() if k not in same_but} for row in rows] == [
            {k: v for k, v in row.items() if k not in same_but} for row in others
        ]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"attempts": 1}, id="another copy of the message has failed"),
        pytest.param({"epoch": 1}, id="an operator has reset the symbol"),
        pytest.param({"revision": 1}, id="a bar of its window was revised"),
        pytest.param({"lane": Lane.SLOW}, id="the symbol has changed its lane"),
    ],
)
def test_a_head_that_is_not_common_any_more_is_completed_in_a_transaction(symbol, transactions, change):
    accept_days("TSLA", 1)
    ticket = start_head(symbol)
    SymbolStatus.objects.update(**change)

    assert mailbox.complete(ticket, FOUND, now=T0) is Outcome.COMPLETED

    assert transactions == [1]
    assert Signal.objects.count() == len(FOUND)


def test_a_slow_run_moves_its_symbol_to_the_slow_lane(symbol, transactions, settings):
    accept_days("TSLA", 1)

    mailbox.complete(start_head(symbol), [], now=T0, run_s=settings.SCANNER_SLOW_RUN_S)

    assert transactions == [1]
    assert SymbolStatus.objects.get().lane == Lane.SLOW


def test_a_head_after_failures_closes_the_breaker(symbol, transactions):
    accept_days("TSLA", 1)
    CircuitBreaker.objects.update(failures=1)

    mailbox.complete(start_head(symbol), [], now=T0 + timedelta(seconds=1))

    assert transactions == [1]
    assert CircuitBreaker.objects.get().failures == 0


def test_a_head_whose_bar_is_confirmed_while_it_completes_is_completed(symbol):
    bar = replace(new_bar(day=0), assumed=True)
    mailbox.accept([bar], now=T0)
    ticket = start_head(symbol)

    outcome = while_it_waits(
        lambda: mailbox.accept([replace(bar, assumed=False)], now=T0), lambda: mailbox.complete(ticket, FOUND, now=T0)
    )

    assert outcome is Outcome.COMPLETED
    stored = Bar.objects.get()
    assert (stored.status, stored.assumed, Signal.objects.count()) == (BarStatus.PROCESSED, False, len(FOUND))


@pytest.mark.parametrize("act", [mailbox.disable, mailbox.reset, mailbox.skip])
def test_an_operators_action_that_commits_while_a_head_completes_counts(symbol, published, act):
    accept_days("TSLA", 3)
    ticket = start_head(symbol)
    published.clear()

    outcome = while_it_waits(lambda: act(symbol, by="alice", now=T0), lambda: mailbox.complete(ticket, FOUND, now=T0))

    row = SymbolStatus.objects.get()
    skipped = act is mailbox.skip
    assert outcome is (Outcome.SUPERSEDED if skipped else Outcome.COMPLETED)
    assert (row.head, row.cursor, row.epoch) == (2, 1, 1)
    assert Signal.objects.count() == (0 if skipped else len(FOUND))
    last = [message.sequence for message, *_ in published][-1:]
    assert last == ([] if act is mailbox.disable else [2])
