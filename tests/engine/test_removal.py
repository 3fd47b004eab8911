"""Deleting symbols, and what makes up for a lost message."""

from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError

from scanner_app.domain.errors import BarsWaiting
from scanner_app.engine import removal
from scanner_app.messaging import producer
from scanner_app.models import Symbol
from tests.conftest import T0, make_symbol, snapshot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch):
    """What went to the broker: (task, arguments, queue)."""
    taken = []

    monkeypatch.setattr(producer, "send", lambda task, *, args, queue: taken.append((task, args, queue)))
    return taken


def test_a_deletion_is_asked_of_the_upkeep_worker_after_it_is_committed(symbol, sent):
    removal.delete(symbol, by="olga", now=T0, reason="delisted")

    assert sent == [("scanner.remove_symbol", (symbol.pk,), "upkeep")]
    assert Symbol.objects.get().deleted_at == T0
    event = symbol.events.latest("id")
    assert (event.kind, event.actor, event.reason) == ("deleted", "olga", "delisted")


def test_a_refused_deletion_asks_nobody_and_changes_nothing(dispatched_head, sent):
    symbol, _ = dispatched_head()
    before = snapshot(symbol)

    with pytest.raises(BarsWaiting):
        removal.delete(symbol, by="olga", now=T0)

    assert sent == []
    assert snapshot(symbol) == before


def test_a_dead_broker_fails_no_deletion_and_holds_up_no_next_one(symbol, monkeypatch):
    other = make_symbol("AAPL")
    asked = []

    def refuse(task, **_options):
        asked.append(task)
        raise OperationalError("connection refused")

    monkeypatch.setattr(producer, "send", refuse)

    removal.delete(symbol, by="olga", now=T0)
    removal.delete(other, by="olga", now=T0)

    assert asked == ["scanner.remove_symbol"]  # the second is not even tried: it would be a timeout each
    assert not Symbol.objects.filter(deleted_at=None).exists()


def test_the_symbol_deleted_first_is_worked_on_first_and_all_go_at_last():
    for minute, ticker in enumerate(("FIRST", "SECOND")):
        make_symbol(ticker)
        Symbol.objects.filter(ticker=ticker).update(deleted_at=T0 + timedelta(minutes=minute))
    make_symbol("HERE")

    removal.remove_some_rows()
    after_one = list(Symbol.objects.values_list("ticker", flat=True))
    removal.remove_some_rows()

    assert after_one == ["HERE", "SECOND"]
    assert list(Symbol.objects.values_list("ticker", flat=True)) == ["HERE"]
    assert removal.remove_some_rows() == 0


def test_a_task_removes_rows_for_its_budget_and_no_longer(dispatched_head, monkeypatch):
    monkeypatch.setattr("scanner_app.mailbox.remove.BATCH", 1)
    symbol, _ = dispatched_head(waiting=20)
    Symbol.objects.filter(pk=symbol.pk).update(deleted_at=T0)
    ticks = iter(range(100))

    batches = removal.remove_some_rows(clock=lambda: next(ticks) * 0.2)

    assert batches == 3  # at 0.2, 0.4 and, over the budget, at 0.6 s
    assert Symbol.objects.filter(pk=symbol.pk).exists()
