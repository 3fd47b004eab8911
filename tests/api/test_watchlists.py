"""Watch lists by HTTP."""

import pytest

from scanner_app.models import WatchList
from scanner_app.signals import watchlists
from tests.api.conftest import API, signal_on
from tests.conftest import make_symbol


@pytest.fixture
def made(reader):
    """A list of the reader's."""
    answer = reader.post(f"{API}/watchlists", {"name": "Mine", "symbols": ["tsla", "*USDT", "TSLA"]}, format="json")
    assert answer.status_code == 201
    return answer.json()


def test_a_list_is_made_read_changed_and_deleted(reader, made):
    for ticker in ("ETHUSDT", "BTCUSDT", "TSLA", "AAPL"):
        make_symbol(ticker)
    assert {name: made[name] for name in ("name", "symbols", "shared", "owner", "tickers")} == {
        "name": "Mine",
        "symbols": ["TSLA", "*USDT"],
        "shared": False,
        "owner": "rita",
        "tickers": [],
    }
    address = f"{API}/watchlists/{made['id']}"

    assert reader.get(address).json()["tickers"] == ["TSLA", "BTCUSDT", "ETHUSDT"]
    (listed,) = reader.get(f"{API}/watchlists").json()["results"]
    assert listed == {name: value for name, value in made.items() if name != "tickers"}
    changed = reader.patch(address, {"name": "Ours", "shared": True}, format="json")
    assert (changed.status_code, changed.json()["name"], changed.json()["shared"]) == (200, "Ours", True)
    assert changed.json()["symbols"] == made["symbols"]
    assert reader.delete(address).status_code == 204
    assert reader.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"symbols": ["TSLA"]}, "name", id="no name"),
        pytest.param({"name": " ", "symbols": []}, "name", id="an empty name"),
        pytest.param({"name": "x" * 101, "symbols": []}, "name", id="a long name"),
        pytest.param({"name": "x"}, "symbols", id="no symbols"),
        pytest.param({"name": "x", "symbols": "TSLA"}, "symbols", id="no list"),
        pytest.param({"name": "x", "symbols": ["A,B"]}, "symbols", id="no ticker"),
        pytest.param({"name": "x", "symbols": [5]}, "symbols", id="a number"),
        pytest.param({"name": "x", "symbols": ["A"] * 1_001}, "symbols", id="too many"),
        pytest.param({"name": "x", "symbols": [], "shared": "yes"}, "shared", id="shared by a word"),
        pytest.param({"name": "x", "symbols": [], "symbol": "A"}, "symbol", id="a mistyped key"),
    ],
)
def test_a_wrong_value_names_its_field_and_makes_nothing(reader, made, body, field):
    answer = reader.post(f"{API}/watchlists", body, format="json")

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert WatchList.objects.count() == 1


def test_a_change_to_a_name_that_another_list_has_is_refused_and_changes_nothing(reader, made):
    other = reader.post(f"{API}/watchlists", {"name": "Other", "symbols": ["A"]}, format="json").json()

    answer = reader.patch(f"{API}/watchlists/{other['id']}", {"name": "Mine", "symbols": []}, format="json")

    assert (answer.status_code, list(answer.json())) == (409, ["detail"])
    assert WatchList.objects.get(pk=other["id"]).symbols == ["A"]


def test_a_second_list_of_a_name_is_a_conflict(reader, staff, made):
    body = {"name": "Mine", "symbols": []}

    assert reader.post(f"{API}/watchlists", body, format="json").status_code == 409
    assert staff.post(f"{API}/watchlists", body, format="json").status_code == 201


def test_others_see_a_list_only_if_it_is_shared_and_never_change_it(reader, staff, made):
    address = f"{API}/watchlists/{made['id']}"
    assert staff.get(address).status_code == 404
    assert staff.delete(address).status_code == 404
    assert staff.get(f"{API}/watchlists").json()["results"] == []
    assert staff.get(f"{API}/signals?watchlist={made['id']}").status_code == 404

    reader.patch(address, {"shared": True}, format="json")

    assert staff.get(address).json()["owner"] == "rita"
    assert len(staff.get(f"{API}/watchlists").json()["results"]) == 1
    assert staff.patch(address, {"symbols": []}, format="json").status_code == 403
    assert staff.delete(address).status_code == 403
    assert WatchList.objects.get().symbols == ["TSLA", "*USDT"]


def test_a_stranger_gets_401(anonymous, made):
    assert anonymous.get(f"{API}/watchlists").status_code == 401
    assert anonymous.post(f"{API}/watchlists", {"name": "x", "symbols": []}, format="json").status_code == 401


def test_a_user_has_a_limited_number_of_lists(reader, made, monkeypatch):
    monkeypatch.setattr(watchlists, "MAX_LISTS", 1)

    answer = reader.post(f"{API}/watchlists", {"name": "x", "symbols": []}, format="json")

    assert answer.status_code == 409
    assert "Delete one first" in answer.json()["detail"]


@pytest.mark.parametrize("wrong", ["9" * 300, "9" * 5_000, str(2**63)])
def test_an_id_that_no_list_can_have_is_not_found(reader, db, wrong):
    assert reader.get(f"{API}/watchlists/{wrong}").status_code == 404


def test_signals_are_narrowed_to_a_watch_list(reader, made):
    wanted = [signal_on(make_symbol(ticker), day) for day, ticker in enumerate(["TSLA", "BTCUSDT"])]
    signal_on(make_symbol("AAPL"), 3)

    found = reader.get(f"{API}/signals?watchlist={made['id']}").json()["results"]

    assert [row["id"] for row in found] == [one.pk for one in reversed(wanted)]


@pytest.mark.parametrize("wrong", ["x", "-1", "1.5", str(2**63)])
def test_a_watch_list_that_is_none_is_refused_by_its_name(reader, db, wrong):
    answer = reader.get(f"{API}/signals?watchlist={wrong}")

    assert (answer.status_code, list(answer.json())) == (400, ["watchlist"])


def test_an_unknown_watch_list_is_a_404(reader, db):
    answer = reader.get(f"{API}/signals?watchlist=999")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Watch list 999 not found"})
