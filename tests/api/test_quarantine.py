"""`quarantine`: the list, replaying and discarding bars."""

import json

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.models import Bar, QuarantinedBar, Symbol, SymbolEvent
from scanner_app.reading import quarantine_entries
from tests.api.conftest import API
from tests.conftest import T0, fail_head, row_of, snapshot
from tests.mailbox.test_quarantine_bulk import quarantined

ENTRIES = f"{API}/quarantine"

ACTIONS = ["replay", "discard"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(db):
    (one,) = quarantined("TSLA")
    return one


def everything():
    return [snapshot(symbol) for symbol in Symbol.objects.order_by("pk")]


def test_a_bar_in_quarantine_has_every_documented_field(reader, dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 2, now=T0)
    mailbox.skip(symbol, by="olga", now=T0, reason="bad print")

    (row,) = reader.get(f"{API}/quarantine").json()["results"]

    assert "ValueError" in row.pop("traceback")
    assert row == {
        "id": QuarantinedBar.objects.get().pk,
        "symbol": "TSLA",
        "bar": Bar.objects.get().pk,
        "timestamp": "2024-01-01T00:00:00Z",
        "attempt": 2,
        "failed_at": "2024-05-31T14:30:00Z",
        "error_type": "ValueError",
        "message": "no good",
        "retry_delay_s": None,
        "next_attempt_at": None,
        "times": 1,
        "reason": "skipped by olga: bad print",
        "resolution": None,
        "resolved_at": None,
    }


def test_a_discarded_bar_is_no_longer_listed(reader, dispatched_head):
    symbol, _ = dispatched_head()
    mailbox.skip(symbol, by="olga", now=T0)
    QuarantinedBar.objects.update(resolution="discarded", resolved_at=T0)

    assert reader.get(f"{API}/quarantine").json()["results"] == []


def test_replay_accepts_the_bar_again_and_answers_with_its_entry(
    operator, entry, published, django_capture_on_commit_callbacks
):
    published.clear()

    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.post(f"{ENTRIES}/{entry.pk}/replay", {"reason": "mended"}, format="json")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["id"], body["symbol"], body["bar"], body["resolution"]) == (
        entry.pk,
        "TSLA",
        entry.bar_id,
        "replayed",
    )
    assert body["resolved_at"].endswith("Z")
    assert [message.sequence for message, _, _ in published] == [2]
    event = SymbolEvent.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("replayed", "olga", "mended")
    assert operator.get(ENTRIES).json()["results"] == []


def test_discard_gives_the_bar_up_and_answers_with_its_entry(operator, entry):
    answer = operator.post(f"{ENTRIES}/{entry.pk}/discard")

    assert (answer.status_code, answer.json()["resolution"]) == (200, "discarded")
    assert Bar.objects.get().status == "discarded"
    assert row_of(entry.symbol).head is None
    assert SymbolEvent.objects.latest("id").actor == "olga"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("before_it", ACTIONS)
def test_acting_on_an_entry_that_left_quarantine_is_a_409_and_changes_nothing(operator, entry, before_it, action):
    getattr(mailbox, before_it)(entry, by="somebody", now=T0)
    before = everything()

    answer = operator.post(f"{ENTRIES}/{entry.pk}/{action}")

    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": f"Quarantine entry {entry.pk} has been dealt with already"},
    )
    assert everything() == before


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("number", ["999", "0", "99999999999999999999999"])
def test_an_unknown_entry_is_a_404_that_names_it(operator, entry, action, number):
    before = everything()

    answer = operator.post(f"{ENTRIES}/{number}/{action}")

    assert (answer.status_code, answer.json()) == (404, {"detail": f"Quarantine entry {number} not found"})
    assert everything() == before


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("number", ["-1", "1.5", "x", "1/2"])
def test_an_id_that_is_not_a_number_is_a_404(operator, entry, action, number):
    assert operator.post(f"{ENTRIES}/{number}/{action}").status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_an_entry_of_a_symbol_that_is_being_deleted_is_a_404(operator, entry, action):
    Symbol.objects.update(deleted_at=T0)

    assert operator.post(f"{ENTRIES}/{entry.pk}/{action}").status_code == 404
    assert operator.post(f"{ENTRIES}/{action}", {"all": True}, format="json").json() == {"count": 0}
    assert QuarantinedBar.objects.get().resolution == ""


@pytest.mark.parametrize("reason", [None, {}, "x" * 1_001, "a\0b", "\ud800"])
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("bulk", [False, True])
def test_an_invalid_reason_is_a_400_and_changes_nothing(operator, entry, bulk, action, reason):
    before = everything()
    address = f"{ENTRIES}/{action}" if bulk else f"{ENTRIES}/{entry.pk}/{action}"

    answer = operator.post(address, json.dumps({"reason": reason, "all": True}), content_type="application/json")

    assert (answer.status_code, list(answer.json())) == (400, ["reason"])
    assert everything() == before


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("body", "count"),
    [
        pytest.param({"symbol": "tsla"}, 2, id="a symbol"),
        pytest.param({"symbol": "none"}, 0, id="an unknown symbol"),
        pytest.param({"error_type": "KeyError"}, 1, id="an error type"),
        pytest.param({"from": "2024-01-02T00:00:00Z"}, 1, id="from"),
        pytest.param({"from": "2024-01-02"}, 1, id="from, only a date"),
        pytest.param({"to": "2024-01-02T01:00:00+01:00"}, 2, id="to, with an offset"),
        pytest.param({"symbol": "TSLA", "to": "2024-01-02T00:00:00"}, 1, id="two filters, a time without an offset"),
        pytest.param({"all": True}, 3, id="all"),
        pytest.param({"symbol": "TSLA", "all": False}, 2, id="a filter, and all is false"),
    ],
)
def test_a_bulk_action_acts_on_as_many_bars_as_its_dry_run_counted(operator, action, body, count):
    quarantined("TSLA")
    quarantined("TSLA", first=1, error=KeyError("x"))
    quarantined("AAPL")
    before = everything()

    counted = operator.post(f"{ENTRIES}/{action}", {**body, "dry_run": True, "reason": "for a look"}, format="json")

    assert (counted.status_code, counted.json()) == (200, {"count": count})
    assert everything() == before

    done = operator.post(f"{ENTRIES}/{action}", {**body, "dry_run": False, "reason": "mended"}, format="json")
    again = operator.post(f"{ENTRIES}/{action}", body, format="json")

    assert (done.status_code, done.json(), again.json()) == (200, {"count": count}, {"count": 0})
    assert QuarantinedBar.objects.filter(resolution="").count() == 3 - count
    events = SymbolEvent.objects.filter(kind="replayed" if action == "replay" else "discarded")
    assert {(event.actor, event.reason) for event in events} <= {("olga", "mended")}
    assert len(events) == count


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "all", id="no filter, and no all"),
        pytest.param({"all": False}, "all", id="no filter, and all is false"),
        pytest.param({"all": True, "symbol": "TSLA"}, "all", id="all and a filter"),
        pytest.param({"all": "perhaps"}, "all", id="all is not a bool"),
        pytest.param({"all": True, "dry_run": None}, "dry_run", id="dry_run is null"),
        pytest.param({"symbol": ""}, "symbol", id="an empty symbol"),
        pytest.param({"symbol": None}, "symbol", id="a symbol that is null"),
        pytest.param({"symbol": ["TSLA"]}, "symbol", id="a list"),
        pytest.param({"error_type": ""}, "error_type", id="an empty error type"),
        pytest.param({"error_type": "a\0b"}, "error_type", id="an error type with NUL"),
        pytest.param({"from": "yesterday"}, "from", id="not a time"),
        pytest.param({"from": ""}, "from", id="an empty time"),
        pytest.param({"to": 1717165800}, "to", id="a number"),
        pytest.param({"to": None}, "to", id="null"),
        pytest.param({"to": "0001-01-01T00:00:00+05:00"}, "to", id="a time before the year 1 in UTC"),
        pytest.param({"simbol": "TSLA", "all": True}, "simbol", id="a mistyped filter"),
        pytest.param({"dryrun": True, "symbol": "TSLA"}, "dryrun", id="a mistyped dry_run"),
        pytest.param({"from_": "2024-01-01", "all": True}, "from_", id="the field's name in Python"),
        pytest.param({"\ud800": 1}, "?", id="half of a surrogate pair"),
    ],
)
def test_an_invalid_bulk_action_is_a_400_that_names_the_key(operator, entry, action, body, field):
    before = everything()

    answer = operator.post(f"{ENTRIES}/{action}", json.dumps(body), content_type="application/json")

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert everything() == before


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("body", ["[]", '["TSLA"]', '"TSLA"', "null", ""])
def test_a_bulk_action_whose_body_is_not_an_object_is_a_400(operator, entry, action, body):
    answer = operator.post(f"{ENTRIES}/{action}", body, content_type="application/json")

    assert answer.status_code == 400
    assert QuarantinedBar.objects.get().resolution == ""


@pytest.mark.parametrize("action", ACTIONS)
def test_a_dry_run_needs_neither_filter_nor_all(operator, entry, action):
    answer = operator.post(f"{ENTRIES}/{action}", {"dry_run": True}, format="json")

    assert (answer.status_code, answer.json()) == (200, {"count": 1})


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_allow_only_post(operator, entry, action):
    before = everything()

    for address in (f"{ENTRIES}/{action}", f"{ENTRIES}/{entry.pk}/{action}"):
        for method in ("get", "put", "patch", "delete"):
            assert getattr(operator, method)(address).status_code == 405
    assert everything() == before


@pytest.mark.parametrize("path", ["", "/"])
@pytest.mark.parametrize("prefix", ["/api/v1/scanner", "/api/scanner"])
def test_actions_work_under_both_prefixes_with_and_without_a_trailing_slash(operator, entry, prefix, path):
    answer = operator.post(f"{prefix}/quarantine/replay{path}", {"dry_run": True}, format="json")
    assert answer.json() == {"count": 1}
    assert operator.post(f"{prefix}/quarantine/{entry.pk}/discard{path}").status_code == 200


def test_a_dry_run_counts_in_one_query_without_loading_rows(operator):
    quarantined("TSLA", 5)

    with CaptureQueriesContext(connection) as queries:
        operator.post(f"{ENTRIES}/replay", {"symbol": "TSLA", "dry_run": True}, format="json")

    ours = [query["sql"] for query in queries if "quarantinedbar" in query["sql"]]
    assert len(ours) == 1
    assert "COUNT" in ours[0]


def test_a_bulk_action_that_an_outage_cuts_off_can_be_sent_again(operator, monkeypatch):
    _, second = quarantined("TSLA", 2)
    discard = mailbox.discard

    def break_on_the_second(entry, **more):
        if entry.pk == second.pk:
            raise OperationalError("away")
        discard(entry, **more)

    with monkeypatch.context() as broken:
        broken.setattr(mailbox, "discard", break_on_the_second)
        assert operator.post(f"{ENTRIES}/discard", {"all": True}, format="json").status_code == 503

    assert operator.post(f"{ENTRIES}/discard", {"all": True}, format="json").json() == {"count": 1}
    assert quarantine_entries.open_entries().count() == 0


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/x-python"])
def test_a_bar_in_quarantine_is_downloaded_as_a_test(reader, entry, accept):
    answer = reader.get(f"{ENTRIES}/{entry.pk}/autopsy", HTTP_ACCEPT=accept)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/x-python; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="test_TSLA_1d_20240101T000000Z.py"'
    assert "WINDOW = Window.of(" in answer.content.decode()


@pytest.mark.parametrize("wrong", ["999", "9" * 19, "9" * 99])
def test_there_is_no_test_of_an_unknown_entry(reader, db, wrong):
    assert reader.get(f"{ENTRIES}/{wrong}/autopsy").status_code == 404
