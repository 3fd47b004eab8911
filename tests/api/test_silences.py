"""Silences by HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from scanner_app.models import Alert, Silence
from tests.api.conftest import API
from tests.conftest import make_symbol


def in_an_hour() -> str:
    return (timezone.now() + timedelta(hours=1)).isoformat()


def test_a_silence_is_made_listed_and_ended(operator, symbol):
    until = in_an_hour()

    made = operator.post(
        f"{API}/silences", {"rule": "backlog", "symbol": "tsla", "until": until, "reason": "noon"}, format="json"
    )

    assert made.status_code == 201
    body = made.json()
    assert (body["rule"], body["symbol"], body["reason"], body["created_by"]) == ("backlog", "TSLA", "noon", "olga")
    assert datetime.fromisoformat(body["until"]) == datetime.fromisoformat(until)
    listed = operator.get(f"{API}/silences").json()["results"]
    assert listed == [body]

    ended = operator.delete(f"{API}/silences/{body['id']}")

    assert ended.status_code == 204
    assert operator.get(f"{API}/silences").json()["results"] == []
    past = operator.get(f"{API}/silences?active=false").json()["results"]
    assert [(one["id"], one["ended_by"]) for one in past] == [(body["id"], "olga")]
    assert operator.delete(f"{API}/silences/{body['id']}").status_code == 404


@pytest.mark.parametrize("body", [{}, {"rule": "", "symbol": ""}, {"rule": None, "symbol": None}])
def test_without_rule_and_symbol_it_is_of_everything(operator, body):
    made = operator.post(f"{API}/silences", {"until": in_an_hour(), **body}, format="json")

    assert (made.status_code, made.json()["rule"], made.json()["symbol"]) == (201, "", "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "until", id="without an end"),
        pytest.param({"until": "2024-01-01T00:00:00Z"}, "until", id="past"),
        pytest.param({"until": "tomorrow"}, "until", id="no time"),
        pytest.param({"until": "2999-01-01T00:00:00Z"}, "until", id="too far"),
        pytest.param({"until": None}, "until", id="null"),
        pytest.param({"rule": "nonsense"}, "rule", id="no such rule"),
        pytest.param({"rule": 5}, "rule", id="a number for a rule"),
        pytest.param({"symbol": 5}, "symbol", id="a number for a ticker"),
        pytest.param({"symbol": "NOPE"}, "symbol", id="no such symbol"),
        pytest.param({"symbol": "a\0b"}, "symbol", id="no ticker at all"),
        pytest.param({"symbl": "TSLA"}, "symbl", id="a mistyped key, which would silence everything"),
    ],
)
def test_what_makes_no_sense_is_400_and_names_the_field(operator, body, field):
    whole = body if "until" in body or not body else {"until": in_an_hour(), **body}

    answer = operator.post(f"{API}/silences", whole, format="json")

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Silence.objects.exists()


def test_a_reader_may_look_but_not_silence(reader, operator):
    silence = operator.post(f"{API}/silences", {"until": in_an_hour()}, format="json").json()

    assert reader.get(f"{API}/silences").status_code == 200
    assert reader.post(f"{API}/silences", {"until": in_an_hour()}, format="json").status_code == 403
    assert reader.delete(f"{API}/silences/{silence['id']}").status_code == 403


def test_lists_choose_by_symbol_and_rule(operator, symbol):
    make_symbol("AAPL")
    for ticker, rule in (("TSLA", "backlog"), ("AAPL", "backlog"), ("TSLA", "slow_symbol")):
        operator.post(f"{API}/silences", {"until": in_an_hour(), "symbol": ticker, "rule": rule}, format="json")

    def chosen(query: str) -> list[tuple[str, str]]:
        rows = operator.get(f"{API}/silences?{query}").json()["results"]
        return sorted((row["symbol"], row["rule"]) for row in rows)

    assert chosen("symbol=tsla") == [("TSLA", "backlog"), ("TSLA", "slow_symbol")]
    assert chosen("rule=backlog") == [("AAPL", "backlog"), ("TSLA", "backlog")]


def test_an_alert_shows_the_silence_of_its_rule(operator, symbol):
    now = timezone.now()
    Alert.objects.create(
        rule="backlog", severity="warning", symbol=symbol, state="firing", message="m", began_at=now, fired_at=now
    )
    until = operator.post(f"{API}/silences", {"until": in_an_hour(), "rule": "backlog"}, format="json").json()["until"]

    alert = operator.get(f"{API}/alerts").json()["results"][0]

    assert datetime.fromisoformat(alert["silenced_until"]).astimezone(UTC) == datetime.fromisoformat(until)
