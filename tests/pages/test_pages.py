import re
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.templatetags.static import static
from django.test import Client
from django.urls import reverse

from scanner_app.domain.alert_rules import RULES
from scanner_app.models import Symbol
from scanner_project.version import VERSION
from tests.conftest import T0, make_symbol
from tests.odd_tickers import ODD_TICKERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return User.objects.create_user("tom", password="made up")


def sign_in(client, **more):
    return client.post("/login/", {"username": "tom", "password": "made up", **more})


def test_the_home_page_asks_anonymous_users_to_sign_in_and_leads_back(client):
    answer = client.get("/?a=1")

    assert (answer.status_code, answer.url) == (302, "/login/?next=/%3Fa%3D1")


def test_with_public_status_anonymous_users_see_the_page_without_links_to_protected_pages(client, settings):
    settings.SCANNER_PUBLIC_STATUS = True

    answer = client.get("/")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Sign in" in page
    assert "Sign out" not in page
    assert 'href="/admin/"' not in page
    assert 'href="/flower/"' not in page


def test_a_signed_in_user_sees_the_board_and_the_links_of_all_users(client, user):
    client.force_login(user)

    page = client.get("/").content.decode()

    assert 'id="board"' in page
    assert 'href="/api/docs/"' in page
    assert 'href="/flower/"' not in page  # it asks for the administrator's password
    assert "Sign out" in page
    assert 'href="/admin/"' not in page  # not on the staff


def test_staff_find_the_admin_and_flower(client, user):
    User.objects.update(is_staff=True)
    client.force_login(user)

    page = client.get("/").content.decode()

    assert 'href="/admin/"' in page
    assert 'href="/flower/"' in page


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("end", ["/", ""])
def test_a_rule_has_a_page_made_of_its_document_whose_links_lead_to_pages(client, user, rule, end):
    client.force_login(user)

    answer = client.get(f"/runbook/{rule}{end}")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert f"<h1>{rule}: {RULES[rule].title}</h1>" in page
    assert "<h2>What to do</h2>" in page
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    article = page.partition("<article")[2].partition("</article>")[0]
    assert ".md)" not in re.sub(r"\(docs/[\w/]+\.md\)", "", article)
    assert "](" not in article
    for address in re.findall(r'href="([^"]*)"', article):
        assert client.get(address).status_code == 200, address


def test_the_guarantees_have_a_page_that_each_page_links_and_strangers_may_read(client, user):
    for address in ("/login/", "/"):
        assert '<a href="/guarantees/">What it promises</a>' in client.get(address).content.decode()
        answer = client.get("/guarantees/")

        assert answer.status_code == 200
        assert "<h2>1. An accepted bar is never lost</h2>" in answer.content.decode()
        client.force_login(user)


def test_the_runbook_asks_anonymous_users_to_sign_in_and_leads_back(client):
    answer = client.get("/runbook/no_worker/")

    assert (answer.status_code, answer.url) == (302, "/login/?next=/runbook/no_worker/")


def test_an_address_that_leads_nowhere_gets_a_page_with_a_way_back(client):
    answer = client.get("/nowhere/")

    assert answer.status_code == 404
    assert "There is no page at this address." in answer.content.decode()
    assert '<a href="/">' in answer.content.decode()


@pytest.mark.parametrize("rule", ["nothing", "..", "README", "no_worker.md"])
def test_only_rules_have_a_page_in_the_runbook(client, user, rule):
    client.force_login(user)

    assert client.get(f"/runbook/{rule}/").status_code == 404


@pytest.mark.parametrize("address", ["/", "/symbols/TSLA/"])
def test_the_confirmation_dialog_is_there_only_for_operators(client, user, symbol, address):
    client.force_login(user)
    reader = client.get(address).content.decode()
    user.user_permissions.add(Permission.objects.get(codename="operate_symbol"))
    operator = client.get(address).content.decode()

    assert 'data-may-operate="no"' in reader
    assert "<dialog" not in reader
    assert 'data-may-operate="yes"' in operator
    assert "<dialog" in operator


@pytest.mark.parametrize("ticker", ["TSLA", *ODD_TICKERS])
@pytest.mark.parametrize("end", ["/", ""])
def test_a_symbol_has_a_page_however_odd_its_ticker(client, user, ticker, end):
    make_symbol(ticker)
    client.force_login(user)

    answer = client.get(reverse("symbol", args=[ticker]).rstrip("/") + end)
    page = answer.content.decode()

    assert answer.status_code == 200
    assert unescape(re.findall(r'data-ticker="([^"]*)"', page)[0]) == ticker
    assert "<T>" not in page
    assert "<IMG" not in page


def test_a_symbols_page_is_found_in_lower_case_and_with_an_encoded_slash(client, user):
    make_symbol("BTC/USD")
    client.force_login(user)

    assert 'data-ticker="BTC/USD"' in client.get("/symbols/btc%2Fusd/").content.decode()


@pytest.mark.parametrize("ticker", ["NONE", "A//B", "<b>", "x" * 50])
def test_an_unknown_symbol_has_a_page_that_says_so(client, user, ticker):
    client.force_login(user)

    answer = client.get(f"/symbols/{ticker}/")

    assert answer.status_code == 404
    assert "There is no symbol" in answer.content.decode()
    assert "<b>" not in answer.content.decode()


def test_a_symbol_that_is_being_deleted_has_no_page(client, user, symbol):
    client.force_login(user)
    Symbol.objects.update(deleted_at=T0)

    assert client.get("/symbols/TSLA/").status_code == 404


def test_a_symbols_page_asks_anonymous_users_to_sign_in_and_leads_back(client, symbol):
    answer = client.get("/symbols/TSLA/")

    assert (answer.status_code, answer.url) == (302, "/login/?next=/symbols/TSLA/")


@pytest.mark.parametrize("address", ["/", "/login/", "/symbols/TSLA/", "/runbook/no_worker/"])
def test_the_foot_of_a_page_shows_the_version(client, settings, symbol, address):
    settings.SCANNER_PUBLIC_STATUS = True

    foot = client.get(address).content.decode().partition("<footer")[2]

    assert f"Market scanner {VERSION} " in foot


@pytest.mark.parametrize("address", ["/", "/login/", "/symbols/TSLA/"])
def test_a_page_allows_no_scripts_but_our_files(client, settings, symbol, address):
    settings.SCANNER_PUBLIC_STATUS = True

    answer = client.get(address)

    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"]
    page = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son[a-z]+=", page)


def test_no_cache_keeps_the_home_page(client, user):
    client.force_login(user)

    assert "no-store" in client.get("/")["Cache-Control"]


@pytest.mark.parametrize("address", ["/", "/login/"])
def test_a_page_uses_nothing_from_other_hosts(client, settings, address):
    settings.SCANNER_PUBLIC_STATUS = True

    page = client.get(address).content.decode()

    assert "//" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_home_page_is_for_reading(client, user, method):
    client.force_login(user)

    assert getattr(client, method)("/").status_code == 405


@pytest.mark.parametrize("address", ["/login/", "/login"])
def test_signing_in_leads_home(client, user, address):
    answer = client.post(address, {"username": "tom", "password": "made up"})

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/").status_code == 200


def test_signing_in_leads_to_the_requested_page(client, user):
    page = client.get("/login/?next=/admin/scanner_app/bar/").content.decode()
    assert '<input type="hidden" name="next" value="/admin/scanner_app/bar/">' in page

    assert sign_in(client, next="/admin/scanner_app/bar/").url == "/admin/scanner_app/bar/"


def test_signing_in_never_leads_to_another_host(client, user):
    assert sign_in(client, next="https://example.com/").url == "/"


def test_a_wrong_password_is_reported_and_the_name_kept(client, user):
    answer = sign_in(client, password="wrong")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Username or password is wrong" in page
    assert 'value="tom"' in page
    assert "_auth_user_id" not in client.session


def test_signing_in_needs_the_forms_token(user):
    assert sign_in(Client(enforce_csrf_checks=True)).status_code == 403


def test_signing_out_ends_the_session(client, user):
    client.force_login(user)

    answer = client.post("/logout/")

    assert (answer.status_code, answer.url) == (302, "/login/")
    assert client.get("/").status_code == 302


def test_a_link_can_not_sign_anybody_out(client, user):
    client.force_login(user)

    assert client.get("/logout/").status_code == 405
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("configured", "asked", "leads_to"),
    [
        ("http://127.0.0.1:5555", "localhost:8000", "http://127.0.0.1:5555"),
        ("http://flower.example:80", "localhost", "http://flower.example:80"),
        ("http://0.0.0.0:5555", "localhost:8000", "http://localhost:5555"),
        ("http://0.0.0.0:5555", "[::1]:8000", "http://[::1]:5555"),
        ("http://[::]:5555", "localhost", "http://localhost:5555"),
    ],
)
def test_the_address_of_flower_is_one_that_a_browser_can_reach(client, settings, configured, asked, leads_to):
    settings.FLOWER_URL = configured
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]

    answer = client.get("/flower/", headers={"host": asked})

    assert (answer.status_code, answer.url) == (302, leads_to)


def test_the_icon_is_also_found_at_its_traditional_address(client):
    assert client.get("/favicon.ico").url == static("scanner_app/favicon.svg")


def test_the_admin_is_found_without_its_slash(client):
    assert client.get("/admin").url == "/admin/"
