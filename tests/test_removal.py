"""Deleting symbols, and what makes up for a lost message."""

from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError

from scanner_app import removal, sending
from scanner_app.errors import BarsWaiting
from scanner_app.models import Symbol
from tests.conftest import T0, make_symbol, snapshot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch):
    """What went to the broker: (task, arguments, queue)."""
    taken = []

    monkeypatch.setattr(sending, "send", lambda task, *, args, queue: taken.append((task, args, queue)))
    return taken


def refuse(*_args, **_options):
    raise OperationalError("connection refused")


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


def test_a_dead_broker_fails_no_deletion_and_holds_up_no_next_one(symbol, sent, monkeypatch):
    other = make_symbol("AAPL")
    monkeypatch.setattr(sending, "send", refuse)

    removal.delete(symbol, by="olga", now=T0)
    monkeypatch.setattr(sending, "send", None)  # not even asked: it would be a timeout each
    removal.delete(other, by="olga", now=T0)

    assert not Symbol.objects.filter(deleted_at=None).exists()


def test_a_removal_whose_message_was_lost_is_asked_for_again(sent):
    lost, fresh = make_symbol("LOST"), make_symbol("FRESH")
    make_symbol("HERE")
    Symbol.objects.filter(pk=lost.pk).update(deleted_at=T0)
    Symbol.objects.filter(pk=fresh.pk).update(deleted_at=T0 + timedelta(seconds=30))

    count = removal.resume(T0 + timedelta(seconds=61))

    assert count == 1
    assert sent == [("scanner.remove_symbol", (lost.pk,), "upkeep")]


def test_what_the_broker_does_not_take_is_not_counted(symbol, sent, monkeypatch):
    Symbol.objects.update(deleted_at=T0)
    monkeypatch.setattr(sending, "send", refuse)

    assert removal.resume(T0 + timedelta(hours=1)) == 0
