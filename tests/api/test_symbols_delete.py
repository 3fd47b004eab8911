"""`DELETE symbols/{symbol}`."""

import pytest

from scanner_app import mailbox
from scanner_app.engine import removal
from scanner_app.messaging import publisher
from scanner_app.models import Symbol, SymbolEvent
from tests.api.conftest import API
from tests.conftest import T0, accept_days, make_symbol, raw_bar, snapshot
from tests.mailbox.test_quarantine_bulk import quarantined

TSLA = f"{API}/symbols/TSLA"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def removals(monkeypatch):
    """The symbols whose rows the upkeep worker was calls to remove."""
    calls: list[int] = []
    monkeypatch.setattr(publisher, "publish_removal", calls.append)
    return calls


def test_a_symbol_without_waiting_bars_is_hidden_and_the_removal_of_its_rows_requested(
    operator, symbol, removals, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.delete(f"{API}/symbols/tsla?reason=delisted")

    assert (answer.status_code, answer.json()) == (202, {"detail": "Symbol TSLA is being deleted"})
    assert Symbol.objects.get().deleted_at is not None
    assert removals == [symbol.pk]
    event = SymbolEvent.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("deleted", "olga", "delisted")


@pytest.mark.parametrize("query", ["", "?force=", "?force=false", "?force=0"])
def test_deleting_a_symbol_with_waiting_bars_is_a_409_and_changes_nothing(operator, dispatched_head, removals, query):
    symbol, _ = dispatched_head(waiting=1)
    before = snapshot(symbol)

    answer = operator.delete(TSLA + query)

    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "2 bars of TSLA wait; delete with force to drop them"},
    )
    assert snapshot(symbol) == before
    assert Symbol.objects.get().deleted_at is None
    assert removals == []


@pytest.mark.parametrize("query", ["?force=true", "?force=1", "?force=True"])
def test_force_deletes_a_symbol_with_waiting_bars(operator, dispatched_head, query):
    dispatched_head(waiting=1)

    assert operator.delete(TSLA + query).status_code == 202
    assert Symbol.objects.get().deleted_at is not None


@pytest.mark.parametrize(
    ("query", "field"),
    [("?force=perhaps", "force"), ("?force=true&reason=" + "x" * 1_001, "reason")],
)
def test_an_invalid_parameter_is_a_400_and_changes_nothing(operator, dispatched_head, query, field):
    symbol, _ = dispatched_head()
    before = snapshot(symbol)

    answer = operator.delete(TSLA + query)

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert snapshot(symbol) == before
    assert Symbol.objects.get().deleted_at is None


@pytest.mark.parametrize("path", ["XYZ", "a%20b", "GONE"])
def test_an_unknown_symbol_is_a_404_that_names_it(operator, path):
    Symbol.objects.filter(pk=make_symbol("GONE").pk).update(deleted_at=T0)

    answer = operator.delete(f"{API}/symbols/{path}")

    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(" not found")


@pytest.mark.parametrize("ticker", ["BRK.B", "BTC/USD", "^GSPC"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_symbol_with_special_characters_can_be_deleted(operator, ticker, slash):
    make_symbol(ticker)
    make_symbol("OTHER")

    assert operator.delete(f"/api/scanner/symbols/{ticker}{slash}").status_code == 202
    assert list(Symbol.objects.filter(deleted_at=None).values_list("ticker", flat=True)) == ["OTHER"]


def test_a_deleted_symbol_is_hidden_everywhere_while_its_rows_still_exist(staff):
    (entry,) = quarantined("TSLA")
    accept_days("TSLA", 1, first=5)
    make_symbol("AAPL")

    assert staff.delete(f"{TSLA}?force=true").status_code == 202

    assert [one["symbol"] for one in staff.get(f"{API}/status").json()["symbols"]] == ["AAPL"]
    assert staff.get(f"{API}/status").json()["backlog"] == 0
    assert [one["symbol"] for one in staff.get(f"{API}/symbols").json()["results"]] == ["AAPL"]
    for name in ("bars", "signals", "failures", "quarantine"):
        for query in ("", "?symbol=TSLA"):
            assert staff.get(f"{API}/{name}{query}").json()["results"] == []
    for action in ("reset", "skip", "enable", "disable"):
        assert staff.post(f"{TSLA}/{action}").status_code == 404
    assert staff.get(TSLA).status_code == staff.get(f"{TSLA}/status").status_code == 404
    assert staff.post(f"{API}/quarantine/{entry.pk}/replay").status_code == 404
    assert staff.delete(TSLA).status_code == 404
    assert staff.post(f"{API}/symbols", {"symbol": "TSLA"}, format="json").status_code == 409
    refused = staff.post(f"{API}/bars", raw_bar(day=9), format="json")
    assert (refused.status_code, refused.json()["rejected"][0]["reason"]) == (400, "deleted")


def test_a_symbol_can_be_added_again_when_its_rows_are_removed(staff, symbol):
    staff.delete(TSLA)
    while mailbox.remove_rows(symbol.pk):
        pass

    assert staff.post(f"{API}/symbols", {"symbol": "TSLA"}, format="json").status_code == 201


def test_deleting_calls_removal_delete(operator, symbol, monkeypatch):
    calls = []
    monkeypatch.setattr(removal, "delete", lambda symbol, **more: calls.append((symbol.ticker, more["force"])))

    operator.delete(f"{TSLA}?force=true")

    assert calls == [("TSLA", True)]
