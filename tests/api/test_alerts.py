"""`alerts`: the list, acknowledging and silencing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app.models import Alert
from tests.api.conftest import API
from tests.conftest import T0, make_symbol

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def alert(rule="no_worker", state="firing", **values):
    fields = {
        "severity": "error",
        "message": f"{rule} is so.",
        "began_at": T0,
        "fired_at": None if state == "pending" else T0 + MINUTE,
        "cleared_at": T0 + 3 * MINUTE if state == "resolved" else None,
    }
    return Alert.objects.create(rule=rule, state=state, **{**fields, **values})


def rules(client, query=""):
    return [row["rule"] for row in client.get(f"{API}/alerts{query}").json()["results"]]


def test_an_alert_has_every_documented_field(reader):
    row = alert("stale_symbol", severity="warning", symbol=make_symbol("BTC/USD"), told_at=T0 + MINUTE)

    (shown,) = reader.get(f"{API}/alerts").json()["results"]

    assert shown == {
        "id": row.pk,
        "rule": "stale_symbol",
        "severity": "warning",
        "symbol": "BTC/USD",
        "subject": "",
        "state": "firing",
        "message": "stale_symbol is so.",
        "began_at": "2024-05-31T14:30:00Z",
        "fired_at": "2024-05-31T14:31:00Z",
        "cleared_at": None,
        "told_at": "2024-05-31T14:31:00Z",
        "muted_by": "",
        "acknowledged_at": None,
        "acknowledged_by": "",
        "acknowledge_reason": "",
        "silenced_until": None,
        "silenced_by": "",
        "silence_reason": "",
        "runbook": "docs/runbook/stale_symbol.md",
        "runbook_url": "http://testserver/runbook/stale_symbol/",
    }


def test_an_alert_of_a_removed_rule_has_no_runbook_url(reader):
    alert("made_up")

    assert reader.get(f"{API}/alerts").json()["results"][0]["runbook_url"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", ["quarantine", "backlog", "stuck_head", "no_worker"], id="all that have fired, newest first"),
        pytest.param("?active=true", ["quarantine", "stuck_head", "no_worker"], id="active"),
        pytest.param("?active=false", ["backlog"], id="not active"),
        pytest.param("?state=pending", ["deaf_worker"], id="pending"),
        pytest.param("?state=recovering", ["stuck_head"], id="a state"),
        pytest.param("?rule=backlog", ["backlog"], id="a rule"),
        pytest.param("?severity=info", ["quarantine"], id="a severity"),
        pytest.param("?symbol=tsla", ["stuck_head"], id="a symbol"),
        pytest.param("?symbol=tsla&active=false", [], id="two filters"),
        pytest.param("?symbol=nope", [], id="an unknown symbol"),
    ],
)
def test_the_filters(reader, query, found):
    alert("no_worker", subject="main")
    alert("stuck_head", "recovering", symbol=make_symbol("TSLA"))
    alert("backlog", "resolved", symbol=make_symbol("AAPL"))
    alert("deaf_worker", "pending")
    alert("quarantine", severity="info")

    assert rules(reader, query) == found


@pytest.mark.parametrize("query", ["?severity=bad", "?state=bad"])
def test_an_invalid_filter_value_is_a_400_that_names_the_parameter(reader, query):
    answer = reader.get(f"{API}/alerts{query}")

    assert (answer.status_code, list(answer.json())) == (400, [query[1:].partition("=")[0]])


def test_alerts_of_a_symbol_that_is_being_deleted_are_hidden(operator):
    gone = make_symbol("GONE")
    row = alert("stuck_head", symbol=gone)
    gone.deleted_at = T0
    gone.save()

    assert rules(operator) == []
    assert operator.post(f"{API}/alerts/{row.pk}/acknowledge").status_code == 404


def test_acknowledge_answers_with_the_alert_its_user_and_reason(operator):
    row = alert()

    answer = operator.post(f"{API}/alerts/{row.pk}/acknowledge", {"reason": "on it"}, format="json")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["acknowledged_by"], body["acknowledge_reason"]) == ("olga", "on it")
    assert body["acknowledged_at"].endswith("Z")
    assert body["state"] == "firing"


def test_silence_answers_with_the_alert_its_end_user_and_reason(operator):
    row = alert()

    answer = operator.post(f"{API}/alerts/{row.pk}/silence", {"minutes": 90, "reason": "known"}, format="json")

    assert answer.status_code == 200
    row.refresh_from_db()
    assert (row.silenced_by, row.silence_reason) == ("olga", "known")
    assert answer.json()["silenced_until"] == row.silenced_until.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("body", [{}, {"minutes": -1}, {"minutes": "x"}, {"minutes": 10**9}])
def test_a_silence_with_invalid_minutes_is_a_400_and_changes_nothing(operator, body):
    row = alert()

    answer = operator.post(f"{API}/alerts/{row.pk}/silence", body, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["minutes"])
    row.refresh_from_db()
    assert row.silenced_until is None


@pytest.mark.parametrize(("action", "body"), [("acknowledge", {}), ("silence", {"minutes": 5})])
def test_acting_on_an_alert_that_is_over_is_a_409_and_on_an_unknown_one_a_404(operator, action, body):
    row = alert(state="resolved")

    over = operator.post(f"{API}/alerts/{row.pk}/{action}", body, format="json")
    nowhere = operator.post(f"{API}/alerts/{row.pk + 1}/{action}", body, format="json")

    assert (over.status_code, over.json()) == (409, {"detail": f"Alert {row.pk} is over"})
    assert (nowhere.status_code, nowhere.json()) == (404, {"detail": f"Alert {row.pk + 1} not found"})


@pytest.mark.parametrize("count", [2, 50])
def test_the_list_takes_four_queries_whatever_its_length(reader, count):
    for number in range(count):
        alert("stuck_head", symbol=make_symbol(f"S{number}"))

    with CaptureQueriesContext(connection) as queries:
        assert len(rules(reader)) == count

    assert len(queries) == 4, "the token, its user, the page, and the silences in force"
