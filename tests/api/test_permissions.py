"""Permissions of every address: a route that forgets its permission fails here."""

import pytest
from rest_framework.test import APIClient

from scanner_app import mailbox
from scanner_app.models import Alert, Bar, QuarantinedBar, Symbol
from tests.api.conftest import API, token_of
from tests.conftest import T0, accept_days, raw_bar, snapshot

STATUS_READS = [f"{API}/status", f"{API}/symbols", f"{API}/symbols/TSLA", f"{API}/symbols/TSLA/status"]
OTHER_READS = [
    *(f"{API}/{name}" for name in ("bars", "signals", "failures", "quarantine", "alerts")),
    *(f"{API}/{name}" for name in ("symbols/TSLA/explain", "symbols/TSLA/timeline", "bars/1/timeline")),
]
ACTIONS = [
    ("post", f"{API}/symbols/TSLA/reset", None),
    ("post", f"{API}/symbols/TSLA/skip", None),
    ("post", f"{API}/symbols/TSLA/disable", None),
    ("post", f"{API}/symbols/TSLA/enable", None),
    ("patch", f"{API}/symbols/TSLA", {"enabled": False}),
    ("post", f"{API}/symbols", {"symbol": "NEW"}),
    ("delete", f"{API}/symbols/TSLA?force=true", None),
    ("post", f"{API}/quarantine/1/replay", None),
    ("post", f"{API}/quarantine/1/discard", None),
    ("post", f"{API}/quarantine/replay", {"all": True}),
    ("post", f"{API}/quarantine/discard", {"all": True}),
    ("post", f"{API}/alerts/1/acknowledge", None),
    ("post", f"{API}/alerts/1/silence", {"minutes": 5}),
]
SEND = ("post", f"{API}/bars", raw_bar(day=9))
EVERYTHING = [("get", address, None) for address in STATUS_READS + OTHER_READS] + [*ACTIONS, SEND]


@pytest.fixture(autouse=True)
def tsla(db):
    """TSLA with one bar in quarantine, a head, one more waiting bar, and an alert."""
    accept_days("TSLA", 3)
    symbol = Symbol.objects.get()
    Bar.objects.filter(sequence=1).update(id=1)
    mailbox.skip(symbol, by="somebody", now=T0)
    QuarantinedBar.objects.update(id=1)
    Alert.objects.create(id=1, rule="stuck_head", severity="error", state="firing", message="m", began_at=T0)
    return symbol


def ask(client, request):
    method, address, body = request
    return getattr(client, method)(address, body, format="json")


def everything():
    return [snapshot(symbol) for symbol in Symbol.objects.order_by("pk")], list(Alert.objects.values())


@pytest.mark.parametrize("request_", EVERYTHING, ids=lambda request: f"{request[0]} {request[1]}")
def test_every_request_without_a_user_is_a_401_and_changes_nothing(anonymous, request_):
    before = everything()

    answer = ask(anonymous, request_)

    assert answer.status_code == 401
    assert list(answer.json()) == ["detail"]
    assert answer["WWW-Authenticate"] == "Token"
    assert everything() == before


@pytest.mark.parametrize("address", STATUS_READS + OTHER_READS)
@pytest.mark.parametrize("who", ["reader", "feeder", "operator", "staff"])
def test_every_signed_in_user_may_read(request, who, address):
    assert request.getfixturevalue(who).get(address).status_code == 200


@pytest.mark.parametrize("request_", ACTIONS, ids=lambda request: f"{request[0]} {request[1]}")
@pytest.mark.parametrize(
    ("who", "allowed"), [("reader", False), ("feeder", False), ("operator", True), ("staff", True)]
)
def test_only_operators_and_staff_may_do_operators_actions(request, who, allowed, request_):
    client = request.getfixturevalue(who)
    before = everything()

    answer = ask(client, request_)

    if allowed:
        assert answer.status_code in {200, 201, 202}
    else:
        assert (answer.status_code, list(answer.json())) == (403, ["detail"])
        assert everything() == before


@pytest.mark.parametrize(
    ("who", "allowed"), [("reader", False), ("feeder", True), ("operator", False), ("staff", True)]
)
def test_only_feeders_and_staff_may_send_bars(request, who, allowed):
    client = request.getfixturevalue(who)

    answer = ask(client, SEND)

    assert answer.status_code == (202 if allowed else 403)
    assert Bar.objects.count() == (4 if allowed else 3)


@pytest.mark.parametrize("address", STATUS_READS)
def test_a_public_status_needs_no_user(anonymous, settings, address):
    settings.SCANNER_PUBLIC_STATUS = True

    assert anonymous.get(address).status_code == 200


@pytest.mark.parametrize(
    "request_",
    [("get", address, None) for address in OTHER_READS] + [*ACTIONS, SEND],
    ids=lambda request: f"{request[0]} {request[1]}",
)
def test_a_public_status_opens_nothing_else(anonymous, settings, request_):
    settings.SCANNER_PUBLIC_STATUS = True
    before = everything()

    assert ask(anonymous, request_).status_code == 401
    assert everything() == before


@pytest.mark.parametrize("prefix", ["/api/scanner", "/api/v1/scanner"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_spelling_of_an_address_needs_the_permission(anonymous, reader, prefix, slash):
    for client, code in ((anonymous, 401), (reader, 403)):
        assert client.post(f"{prefix}/symbols/TSLA/reset{slash}").status_code == code
        assert client.post(f"{prefix}/bars{slash}", raw_bar(), format="json").status_code == code


def test_a_wrong_token_is_a_401_even_if_the_status_is_public(db, settings):
    settings.SCANNER_PUBLIC_STATUS = True
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token nonsense")

    assert client.get(f"{API}/status").status_code == 401


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        pytest.param("Bearer {}", "'Authorization: Token …'", id="bearer"),
        pytest.param("bearer {}", "'Authorization: Token …'", id="in small letters"),
        pytest.param("Basic {}", "not provided", id="something else"),
    ],
)
def test_a_token_that_is_not_sent_as_one_is_a_401_that_says_so(operator, django_user_model, sent, says):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=sent.format(token_of(django_user_model.objects.get(username="olga"))))

    answer = client.get(f"{API}/signals")

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
    assert says in answer.json()["detail"]


def test_a_bearer_that_a_proxy_adds_to_a_session_does_no_harm(operator, django_user_model):
    client = APIClient()
    client.force_login(django_user_model.objects.get(username="olga"))
    client.credentials(HTTP_AUTHORIZATION="Bearer of-the-proxy")

    assert client.get(f"{API}/signals").status_code == 200


def test_an_inactive_user_gets_401(operator, django_user_model):
    django_user_model.objects.update(is_active=False)

    assert operator.post(f"{API}/symbols/TSLA/reset").status_code == 401


def test_a_session_works_like_a_token_but_writing_needs_the_csrf_token(operator, django_user_model):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(django_user_model.objects.get(username="olga"))

    assert client.get(f"{API}/status").status_code == 200
    refused = client.post(f"{API}/symbols/TSLA/reset")
    assert (refused.status_code, list(refused.json())) == (403, ["detail"])
    client.cookies["csrftoken"] = "a" * 32
    assert client.post(f"{API}/symbols/TSLA/reset", HTTP_X_CSRFTOKEN="a" * 32).status_code == 200
