"""The sweeper with a real broker: names that are missing, and names that wait."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.engine import sweeping
from scanner_app.mailbox.accept import create_symbols
from scanner_app.messaging import heartbeats
from scanner_app.models import SymbolStatus
from tests.conftest import T0, new_bar

pytestmark = pytest.mark.django_db(transaction=True)


def accept_one_each(tickers) -> None:
    """A head for each of these symbols, published to the broker of the test."""
    for start in range(0, len(tickers), 500):
        some = tickers[start : start + 500]
        create_symbols(some, at_most=100_000, now=T0)
        mailbox.accept([new_bar(ticker) for ticker in some], now=T0)


def unnamed(broker) -> None:
    """The messages are in their queues, the names are gone: a worker died between the two, or an upgrade."""
    broker.delete("ready.main")


def names(broker) -> list[str]:
    return sorted(name.decode() for name in broker.lrange("ready.main", 0, -1))


def test_a_message_whose_queue_nobody_names_is_named_by_the_second_sweep_and_is_no_loss(broker_server):
    accept_one_each(["A", "B"])
    unnamed(broker_server)

    first, named_after_first = sweeping.sweep(), names(broker_server)
    second = sweeping.sweep()

    assert (first["lost"], named_after_first) == (0, [])
    assert (second["lost"], names(broker_server)) == (0, ["symbol.A", "symbol.B"])
    assert broker_server.llen("symbol.A") == 1
    assert set(SymbolStatus.objects.values_list("losses", flat=True)) == {0}


def test_a_named_message_is_not_named_again(broker_server):
    accept_one_each(["A"])

    sweeping.sweep()
    sweeping.sweep()

    assert names(broker_server) == ["symbol.A"]


def test_thousands_of_names_that_wait_are_no_loss_and_cost_no_read_of_their_heads(broker_server):
    """As under overload: every head waits for a worker that comes to it in its turn."""
    accept_one_each([f"S{number}" for number in range(1_000)])

    with CaptureQueriesContext(connection) as queries:
        reports = [sweeping.sweep() for _ in range(3)]

    assert [report["lost"] for report in reports] == [0, 0, 0]
    assert [report["heads"] for report in reports] == [0, 0, 0]  # none was sought
    assert len(queries) <= 3 * 3
    assert broker_server.llen("ready.main") == 1_000


def test_a_purged_queue_whose_name_is_gone_too_is_published_again_with_its_name(broker_server, monkeypatch):
    accept_one_each(["A"])
    broker_server.flushall()
    monkeypatch.setattr(heartbeats, "read_all", dict)
    monkeypatch.setattr(sweeping, "HEARTBEAT_DELAY_S", -10)  # as if a heartbeat had come meanwhile

    report = sweeping.sweep()

    assert report["lost"] == report["published"] == 1
    assert (names(broker_server), broker_server.llen("symbol.A")) == (["symbol.A"], 1)


def test_a_broker_that_is_emptied_again_and_again_counts_against_no_head(broker_server, monkeypatch):
    """As one without persistence that is restarted while all heads wait for a worker: no worker has had them."""
    accept_one_each(["A"])
    monkeypatch.setattr(sweeping, "HEARTBEAT_DELAY_S", -10)

    for _ in range(4):
        broker_server.flushall()
        assert sweeping.sweep()["published"] == 1

    assert list(SymbolStatus.objects.values_list("losses", "attempts", "lane")) == [(0, 0, "main")]


def test_a_head_that_an_emptied_broker_lost_is_known_as_such_by_the_sweep_that_gives_it_up(broker_server, monkeypatch):
    accept_one_each(["A"])
    broker_server.flushall()

    first = sweeping.sweep()  # it may still be with a worker whose heartbeat is gone too
    monkeypatch.setattr(sweeping, "HEARTBEAT_DELAY_S", -10)
    second = sweeping.sweep()

    assert (first["lost"], second["lost"]) == (0, 1)
    assert SymbolStatus.objects.get().losses == 0


def test_a_head_that_is_lost_with_its_worker_counts(broker_server, monkeypatch):
    accept_one_each(["A"])
    sweeping.sweep()
    broker_server.rpop("ready.main")
    broker_server.rpop("symbol.A")
    monkeypatch.setattr(sweeping, "HEARTBEAT_DELAY_S", -10)

    assert sweeping.sweep()["lost"] == 1
    assert SymbolStatus.objects.get().losses == 1
