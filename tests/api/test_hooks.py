"""`hooks`: their owner's list, and `POST /hooks/{token}`."""

import hashlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from limits import RateLimitItemPerMinute
from rest_framework.test import APIClient

from scanner_app.feeds.hooks import store
from scanner_app.models import Bar, Hook, Symbol
from tests.api.conftest import API, token_of
from tests.conftest import raw_bar

HOOKS = f"{API}/hooks"

MINE = {
    "name": "my charts",
    "mapping": {
        "symbol": "s",
        "open": "k.o",
        "high": "k.h",
        "low": "k.l",
        "close": "k.c",
        "timeframe": {"constant": "D"},
    },
}


def message(day=0, **values):
    bar = raw_bar(day=day)
    prices = {short: str(bar[name]) for short, name in zip("ohlc", ("open", "high", "low", "close"), strict=True)}
    return {"s": "tsla", "k": {**prices, **values}, "timestamp": bar["timestamp"]}


@pytest.fixture(autouse=True)
def no_messages():
    store.forget()


@pytest.fixture
def made(feeder):
    answer = feeder.post(HOOKS, MINE, format="json")
    assert answer.status_code == 201, answer.json()
    return answer.json()


@pytest.fixture
def inlet(made):
    return f"/hooks/{made['token']}"


def send(address, body, **more):
    return APIClient().post(address, body, format="json", **more)


def test_making_a_hook_answers_its_address_once_and_stores_only_a_hash(feeder, made, settings):
    assert made["url"] == f"{settings.PUBLIC_URL}/hooks/{made['token']}"
    assert made["token"].startswith("scanner_hook_")

    rows = feeder.get(HOOKS).json()["results"]

    assert [(row["id"], row["name"], row["mapping"]) for row in rows] == [(made["id"], MINE["name"], MINE["mapping"])]
    assert {"token", "url"}.isdisjoint(rows[0])
    hook = Hook.objects.get()
    assert hook.digest == hashlib.sha256(made["token"].encode()).hexdigest()
    assert made["token"] not in str(Hook.objects.values().get())


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_bar_in_the_hooks_form_is_accepted_without_signing_in_and_answered_as_by_post_bars(inlet, slash):
    answer = send(inlet + slash, message())

    assert answer.status_code == 202
    counts = {"accepted": 1, "duplicates": 0, "forming": 0, "revised": 0}
    assert answer.json() == {**counts, "conflicts": [], "rejected": []}
    bar = Bar.objects.get()
    assert (bar.symbol.ticker, bar.timeframe, bar.open, bar.volume) == ("TSLA", "1d", 10.0, None)


def test_a_bar_sent_twice_is_a_duplicate(inlet):
    send(inlet, message())

    assert send(inlet, message()).json()["duplicates"] == 1
    assert Bar.objects.count() == 1


def test_a_list_keeps_its_good_bars_and_names_the_others(inlet):
    answer = send(inlet, [message(), message(day=1, h="high"), message(day=2)])

    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    [rejected] = answer.json()["rejected"]
    assert (rejected["index"], rejected["field"], rejected["reason"]) == (1, "high", "invalid")
    assert rejected["message"] == "high must be a number, not the text 'high' (key 'k.h' of the message)"


def test_a_bad_bar_alone_is_a_400_that_names_the_field_and_the_owner_sees_why(feeder, inlet):
    answer = send(inlet, message(c=""))

    assert answer.status_code == 400
    assert answer.json()["rejected"][0]["field"] == "close"
    [row] = feeder.get(HOOKS).json()["results"]
    assert row["last_error"] == answer.json()["rejected"][0]["message"]
    assert row["last_error_at"] is not None
    assert row["last_used_at"] is not None


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain; charset=utf-8", "application/json", "application/octet-stream", "x"]
)
def test_json_is_read_whatever_the_content_type_says(inlet, kind):
    bar = raw_bar()
    body = (
        f'{{"s": "tsla", "k": {{"o": 10, "h": 12, "l": 9, "c": 11}}, "volume": NaN, "timestamp": "{bar["timestamp"]}"}}'
    )

    answer = APIClient().post(inlet, body, content_type=kind)

    assert answer.status_code == 202, answer.content


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("BTC crossed 5", "JSON parse error"),
        ("", "is missing"),
        ("5", "not int"),
        ("[]", "The list is empty"),
        ("[" * 100_000, "nested too deeply"),
        ('{"s": "a', "JSON parse error"),
        (b"\xff\xfe", "JSON parse error"),
    ],
)
def test_what_is_no_bar_is_a_400_in_words_and_changes_nothing(inlet, body, said):
    answer = APIClient().post(inlet, body, content_type="text/plain")

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert said in Hook.objects.get().last_error
    assert not Bar.objects.exists()


def test_a_body_may_have_a_hundred_kilobytes(inlet):
    answer = APIClient().post(inlet, b'{"s": "' + b"x" * 100_000 + b'"}', content_type="application/json")

    assert answer.status_code == 413
    assert answer.json() == {"detail": "The body may have at most 100,000 bytes."}


@pytest.mark.parametrize("change", [lambda secret: secret[:-1], lambda secret: secret[:-1] + "é", lambda _: "x" * 56])
def test_a_wrong_secret_is_a_404_that_reads_no_body(made, change):
    address = f"/hooks/{change(made['token'])}"

    answer = APIClient().post(address, "no json", content_type="application/json")

    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no such hook."})
    assert Hook.objects.get().last_used_at is None


def test_more_messages_than_a_hook_takes_wait_and_other_hooks_do_not(feeder, inlet, monkeypatch):
    monkeypatch.setattr(store, "MESSAGES", RateLimitItemPerMinute(2))
    other = feeder.post(HOOKS, MINE, format="json").json()["token"]

    answers = [send(inlet, message(day)) for day in range(3)]

    assert [one.status_code for one in answers] == [202, 202, 429]
    assert 1 <= int(answers[2]["Retry-After"]) <= 60
    assert "A hook takes 2 messages a minute." in answers[2].json()["detail"]
    assert Bar.objects.count() == 2
    assert send(f"/hooks/{other}", message(day=9)).status_code == 202


def test_a_full_backlog_is_a_429_as_by_post_bars(inlet, settings):
    settings.SCANNER_MAX_BACKLOG = 1
    send(inlet, message())

    answer = send(inlet, message(day=1))

    assert (answer.status_code, answer.json()["rejected"][0]["reason"]) == (429, "backlog_full")
    assert answer["Retry-After"] == "5"


@pytest.mark.parametrize("loses", ["permission", "active"])
def test_a_hook_may_no_more_than_its_owner(inlet, loses):
    owner = User.objects.get(username="fred")
    if loses == "permission":
        owner.user_permissions.clear()
    else:
        User.objects.update(is_active=False)

    answer = send(inlet, message())

    assert answer.status_code == 403
    assert not Bar.objects.exists()
    assert "owner" in Hook.objects.get().last_error


def test_a_removed_hook_takes_nothing_any_more(feeder, made, inlet):
    assert feeder.delete(f"{HOOKS}/{made['id']}").status_code == 204

    assert send(inlet, message()).status_code == 404
    assert feeder.delete(f"{HOOKS}/{made['id']}").status_code == 404


def test_a_hook_goes_with_its_user(inlet):
    User.objects.all().delete()

    assert send(inlet, message()).status_code == 404


def test_revise_makes_conflicts_revisions(inlet):
    send(inlet, message())

    conflict = send(inlet, message(c="10.5"))
    revised = send(f"{inlet}?revise=true", message(c="10.5"))

    assert (conflict.status_code, len(conflict.json()["conflicts"])) == (400, 1)
    assert (revised.status_code, revised.json()["revised"]) == (202, 1)
    assert send(f"{inlet}?revise=maybe", message()).status_code == 400


def test_what_comes_costs_few_queries_and_notes_its_use_once_a_minute(inlet):
    send(inlet, message())
    Hook.objects.update(last_used_at=timezone.now() - timedelta(seconds=30))

    with CaptureQueriesContext(connection) as first:
        send(inlet, message())
    with CaptureQueriesContext(connection) as second:
        send(inlet, message())

    assert not [one for one in [*first, *second] if one["sql"].startswith('UPDATE "scanner_app_hook"')]
    assert len(second) <= 10


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda inlet: send(inlet, message()), id="taken"),
        pytest.param(lambda inlet: send(inlet, "x"), id="refused"),
        pytest.param(lambda inlet: send(inlet + "x", message()), id="unknown"),
        pytest.param(lambda inlet: APIClient().get(inlet), id="a browser"),
    ],
)
def test_no_answer_lets_the_address_be_kept_or_passed_on(inlet, answer):
    got = answer(inlet)

    assert (got["Referrer-Policy"], got["Cache-Control"]) == ("no-referrer", "no-store")


def test_a_browser_that_opens_the_address_gets_a_405(inlet):
    assert APIClient().get(inlet).status_code == 405


@pytest.mark.parametrize("who", ["reader", "operator"])
@pytest.mark.parametrize(("method", "address"), [("get", HOOKS), ("post", HOOKS), ("delete", f"{HOOKS}/1")])
def test_hooks_need_the_permission_to_send_bars(request, who, method, address):
    answer = getattr(request.getfixturevalue(who), method)(address, MINE if method == "post" else None, format="json")

    assert answer.status_code == 403
    assert not Hook.objects.exists()


def test_hooks_need_a_user(anonymous):
    assert anonymous.get(HOOKS).status_code == anonymous.post(HOOKS, MINE, format="json").status_code == 401


def test_nobody_sees_or_removes_the_hooks_of_others(made, staff):
    assert staff.get(HOOKS).json()["results"] == []
    assert staff.delete(f"{HOOKS}/{made['id']}").status_code == 404
    assert Hook.objects.exists()


@pytest.mark.parametrize("id_", ["9" * 30, "9" * 99])
def test_an_id_that_no_database_has_is_a_404(feeder, id_):
    assert feeder.delete(f"{HOOKS}/{id_}").status_code == 404


@pytest.mark.parametrize("scope", ["read", "feed"])
def test_a_token_of_less_scope_makes_no_hook(db, scope):
    user = User.objects.create_user("tim", is_staff=True)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user, scope=scope)}")

    assert client.get(HOOKS).status_code == 200
    assert client.post(HOOKS, MINE, format="json").status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"name": ""}, "name", id="an empty name"),
        pytest.param({"name": "x" * 101}, "name", id="too long a name"),
        pytest.param({"name": 5}, "name", id="a number for a name"),
        pytest.param({"mapping": {"opn": "o"}}, "mapping", id="an unknown field"),
        pytest.param({"mapping": "metatrader"}, "mapping", id="an unknown mapping"),
        pytest.param({"mapping": None}, "mapping", id="no mapping"),
        pytest.param({"mapping": {"symbol": {"constant": "a\u0000"}}}, "mapping", id="a NUL in a ticker"),
        pytest.param({"mapping": {"open": "a\u0000b"}}, "mapping", id="a NUL in a key"),
        pytest.param({"maping": {}}, "maping", id="a mistyped key"),
    ],
)
def test_a_wrong_hook_is_a_400_that_names_the_field(feeder, change, field):
    answer = feeder.post(HOOKS, {**MINE, **change}, format="json")

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Hook.objects.exists()


def test_tradingviews_mapping_is_stored_by_its_name(feeder):
    made = feeder.post(HOOKS, {"name": "tv", "mapping": "tradingview"}, format="json").json()

    answer = send(
        f"/hooks/{made['token']}",
        {"ticker": "TSLA", "interval": "D", "time": "2024-01-02T14:30:00Z", "timenow": "2024-01-02T21:00:00Z"}
        | dict.fromkeys(("open", "high", "low", "close"), "10.5"),
    )

    assert made["mapping"] == "tradingview"
    assert answer.status_code == 202, answer.json()
    assert Symbol.objects.get().ticker == "TSLA"


def test_names_of_symbols_are_given_when_it_is_made_and_changed_later(feeder, reader):
    new = feeder.post(HOOKS, {**MINE, "tickers": {"nasdaq:tsla": "tsla"}}, format="json").json()
    inlet = f"/hooks/{new['token']}"

    assert new["tickers"] == {"NASDAQ:TSLA": "TSLA"}
    assert send(inlet, {**message(), "s": "NASDAQ:TSLA"}).status_code == 202
    assert Symbol.objects.get().ticker == "TSLA"
    changed = feeder.patch(f"{HOOKS}/{new['id']}", {"tickers": {"T": "TSLA"}}, format="json")
    assert (changed.status_code, changed.json()["tickers"]) == (200, {"T": "TSLA"})
    assert send(inlet, {**message(day=1), "s": "T"}).json()["accepted"] == 1
    assert set(Symbol.objects.values_list("ticker", flat=True)) == {"TSLA"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tickers": {"a": "A,B"}}, "tickers"),
        ({"tickers": []}, "tickers"),
        ({"mapping": {}}, "mapping"),
    ],
)
def test_wrong_names_change_nothing(feeder, made, body, field):
    answer = feeder.patch(f"{HOOKS}/{made['id']}", body, format="json")

    assert (answer.status_code, field in answer.json()) == (400, True)
    assert Hook.objects.get().tickers == {}


def test_a_change_of_nothing_leaves_the_names(feeder, made):
    address = f"{HOOKS}/{made['id']}"
    feeder.patch(address, {"tickers": {"a": "TSLA"}}, format="json")

    answer = feeder.patch(address, {}, format="json")

    assert (answer.status_code, answer.json()["tickers"]) == (200, {"A": "TSLA"})


def test_anothers_hook_is_not_found(feeder, made, client_of):
    other = client_of("other", "add_bar")

    for answer in (
        other.patch(f"{HOOKS}/{made['id']}", {"tickers": {}}, format="json"),
        other.delete(f"{HOOKS}/{made['id']}"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": f"Hook {made['id']} not found"})
