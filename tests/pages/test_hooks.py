"""The page of one's own hooks."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from scanner_app.feeds.hooks import store, tradingview
from scanner_app.models import Bar, Hook

pytestmark = pytest.mark.django_db


@pytest.fixture
def fred(django_user_model):
    return User.objects.create_user("fred", is_staff=True)


@pytest.fixture
def page(fred):
    client = Client()
    client.force_login(fred)
    return client


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get("/hooks/").url == "/login/?next=/hooks/"
    assert client.post("/hooks/1/remove").url.startswith("/login/")


def test_a_user_who_may_not_send_bars_is_told_so_and_sees_no_link(client):
    client.force_login(User.objects.create_user("rita"))

    assert 'href="/hooks/"' not in client.get("/tokens/").content.decode()
    for answer in (client.get("/hooks/"), client.post("/hooks/", {"name": "x"}), client.post("/hooks/1/remove")):
        assert answer.status_code == 403
        assert "need the permission to send bars" in answer.content.decode()
    assert not Hook.objects.exists()


@pytest.mark.parametrize("address", ["/hooks/", "/hooks"])
def test_one_for_tradingview_is_shown_once_with_the_text_to_paste_and_works(page, client, address):
    answer = page.post(address, {"name": "my charts", "form": "tradingview"})

    html = answer.content.decode()
    made = answer.context["made"]["address"]
    assert answer.status_code == 200
    assert f'value="{made}"' in html
    assert "&quot;{{ticker}}&quot;" in html
    assert (answer["Referrer-Policy"], "no-store" in answer["Cache-Control"]) == ("same-origin", True)
    message = tradingview.MESSAGE.replace("{{ticker}}", "AAPL").replace("{{interval}}", "D").replace("{{volume}}", "")
    for name in ("time", "timenow"):
        message = message.replace(
            f"{{{{{name}}}}}", "2024-05-31T13:30:00Z" if name == "time" else "2024-05-31T20:00:00Z"
        )
    for name in ("open", "high", "low", "close"):
        message = message.replace(f"{{{{{name}}}}}", "190.5")
    path = made.removeprefix(made.partition("/hooks/")[0])
    assert client.post(path, message, content_type="application/json").status_code == 202
    assert Bar.objects.get().close == 190.5
    again = page.get("/hooks/").content.decode()
    assert "my charts" in again
    assert made not in again


def test_one_with_keys_of_its_own(page):
    answer = page.post("/hooks/", {"name": "bot", "form": "own", "keys": '{"open": "k.o"}'})

    assert answer.status_code == 200
    assert Hook.objects.get().mapping == {"open": "k.o"}
    assert "{{ticker}}" not in answer.content.decode()
    assert "k.o" in page.get("/hooks/").content.decode()


def test_without_keys_the_names_are_the_apis(page):
    page.post("/hooks/", {"name": "bot", "form": "own", "keys": ""})

    assert Hook.objects.get().mapping == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Name: "),
        ({"name": "x" * 101}, "Name: "),
        ({"form": "xml"}, "What it sends: "),
        ({"form": "own", "keys": "{"}, "Keys: "),
        ({"form": "own", "keys": '{"opn": "o"}'}, "is no field"),
        ({"form": "own", "keys": "[" * 4_000}, "nested too deeply"),
        ({"form": "own", "keys": "x" * 5_001}, "Keys: "),
    ],
)
def test_a_wrong_field_is_said_and_makes_nothing(page, wrong, said):
    answer = page.post("/hooks/", {"name": "x", "form": "tradingview", **wrong})

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Hook.objects.exists()


def test_what_was_refused_last_is_shown_as_text(page, fred):
    hook, _ = store.make(fred, name="<b>", mapping={}, now=timezone.now())
    store.note(hook, error="open must be a number, not <script>", now=timezone.now())

    html = page.get("/hooks/").content.decode()

    assert "not &lt;script&gt;" in html
    assert "<b>" not in html.split("<main")[1]


def test_ones_own_is_removed_and_anothers_neither_shown_nor_removed(page, fred):
    mine, _ = store.make(fred, name="mine", mapping={}, now=timezone.now())
    other, _ = store.make(User.objects.create_user("other"), name="of another", mapping={}, now=timezone.now())

    assert "of another" not in page.get("/hooks/").content.decode()
    assert page.post(f"/hooks/{other.pk}/remove").status_code == 404
    assert page.post(f"/hooks/{mine.pk}/remove").url == "/hooks/"
    assert list(Hook.objects.all()) == [other]


@pytest.mark.parametrize("number", ["9" * 5_000, "9" * 19, "-1"])
def test_a_number_that_no_row_has_is_not_found(page, number):
    assert page.post(f"/hooks/{number}/remove").status_code == 404


def test_names_of_symbols_are_given_when_it_is_made_and_changed_later(page):
    page.post("/hooks/", {"name": "bot", "form": "tradingview", "tickers": "NASDAQ:TSLA = TSLA"})
    hook = Hook.objects.get()
    assert hook.tickers == {"NASDAQ:TSLA": "TSLA"}
    assert "NASDAQ:TSLA = TSLA" in page.get("/hooks/").content.decode()

    assert page.post(f"/hooks/{hook.pk}/names", {"tickers": "T = TSLA"}).url == "/hooks/"

    hook.refresh_from_db()
    assert hook.tickers == {"T": "TSLA"}


def test_wrong_names_are_said_beside_what_was_written_and_change_nothing(page, fred):
    hook, _ = store.make(fred, name="bot", mapping={}, now=timezone.now())

    answer = page.post(f"/hooks/{hook.pk}/names", {"tickers": "T TSLA <b>"})

    assert answer.status_code == 400
    html = answer.content.decode()
    assert "is no line like" in html
    assert ">T TSLA &lt;b&gt;</textarea>" in html
    hook.refresh_from_db()
    assert hook.tickers == {}


def test_anothers_names_are_not_changed(page):
    other, _ = store.make(User.objects.create_user("other"), name="of another", mapping={}, now=timezone.now())

    assert page.post(f"/hooks/{other.pk}/names", {"tickers": ""}).status_code == 404


def test_without_the_csrf_token_nothing_is_made(fred):
    client = Client(enforce_csrf_checks=True)
    client.force_login(fred)

    assert client.post("/hooks/", {"name": "x", "form": "tradingview"}).status_code == 403
    assert not Hook.objects.exists()
