"""The admin's feeds, holes and names of tickers."""

import pytest
from django.contrib.auth.models import Group, User

from scanner_app.messaging import live_feeds
from scanner_app.models import Feed, Gap, VenueTicker
from tests.admin.conftest import messages_of
from tests.conftest import T0, make_symbol

pytestmark = pytest.mark.django_db

LIST = "/admin/scanner_app/feed/"
HOLES = "/admin/scanner_app/gap/"
NAMES = "/admin/scanner_app/venueticker/"


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    monkeypatch.setattr(live_feeds, "read", lambda _: {})


@pytest.fixture
def feed():
    return Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT@1m")


@pytest.fixture
def fixed():
    return Feed.objects.create(name="fixed", venue="binance", entry="XRPUSDT@1m", from_environment=True)


@pytest.fixture
def hole(feed):
    more = {"timeframe": "1m", "first": T0, "last": T0, "missing": 2, "found_at": T0, "cause": "start", "refilled": 1}
    return Gap.objects.create(symbol=make_symbol("BTCUSDT"), feed=feed, **more)


def act(browser, where, name, *rows):
    return browser.post(where, {"action": name, "_selected_action": [one.pk for one in rows], "index": 0}, follow=True)


def test_the_list_says_how_each_is_doing(browser, hole, fixed):
    page = browser.get(LIST).content.decode()

    assert page.count("no process runs it") >= 2
    assert f"{HOLES}?state=open&amp;feed__id__exact={hole.feed_id}" in page


def test_an_operator_adds_and_changes_one(browser):
    new = {"name": "mine", "venue": "binance", "entry": "btcusdt@60m", "enabled": "on"}

    added = browser.post(f"{LIST}add/", new, follow=True)
    feed = Feed.objects.get()
    changed = browser.post(f"{LIST}{feed.pk}/change/", {"entry": "ETHUSDT@1m"}, follow=True)

    assert added.status_code == changed.status_code == 200
    assert (feed.name, feed.entry, feed.enabled) == ("mine", "BTCUSDT@1h", True)
    feed.refresh_from_db()
    assert (feed.name, feed.venue, feed.entry, feed.enabled) == ("mine", "binance", "ETHUSDT@1m", False)


@pytest.mark.parametrize(
    "wrong", [{"name": "a/b"}, {"venue": "mtgox"}, {"entry": "BTCUSDT"}, {"name": "binance"}, {"entry": "BTCUSDT@1m"}]
)
def test_what_makes_no_sense_is_said_beside_the_field(browser, feed, wrong):
    new = {"name": "mine", "venue": "binance", "entry": "ETHUSDT@1m", "enabled": "on", **wrong}

    answer = browser.post(f"{LIST}add/", new)

    assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, list(wrong))
    assert Feed.objects.count() == 1


def test_those_of_the_environment_can_be_read_but_not_changed(browser, fixed):
    page = browser.get(f"{LIST}{fixed.pk}/change/")

    assert page.status_code == 200
    assert browser.post(f"{LIST}{fixed.pk}/change/", {"entry": "ETHUSDT@1m"}).status_code == 403
    assert messages_of(act(browser, LIST, "disable", fixed))[0] == (
        "error",
        "fixed: The feed fixed comes from SCANNER_FEEDS: change it there, and restart",
    )
    fixed.refresh_from_db()
    assert (fixed.entry, fixed.enabled) == ("XRPUSDT@1m", True)


def test_actions_switch_off_and_on_and_remove(browser, feed):
    assert messages_of(act(browser, LIST, "disable", feed)) == [("success", "Disabled 1 feed.")]
    feed.refresh_from_db()
    assert not feed.enabled
    act(browser, LIST, "enable", feed)
    feed.refresh_from_db()
    assert feed.enabled
    assert messages_of(act(browser, LIST, "remove", feed)) == [("success", "Removed 1 feed.")]
    assert not Feed.objects.exists()


def test_a_hole_is_listed_and_given_up(browser, hole):
    page = browser.get(f"{HOLES}?state=open").content.decode()
    assert "1 of 2 refilled" in page
    assert browser.get(f"{HOLES}{hole.pk}/change/").status_code == 200

    answer = act(browser, HOLES, "give_up", hole)

    assert messages_of(answer) == [("success", "Gave up 1 hole.")]
    hole.refresh_from_db()
    assert (hole.state, hole.ended_by) == ("given_up", "olga")


def test_names_of_tickers_are_added_changed_and_deleted_by_operators(browser):
    browser.post(f"{NAMES}add/", {"venue": "binance", "ticker": "btc/usdt", "name": "BTCUSDT"})
    row = VenueTicker.objects.get()
    wrong = browser.post(f"{NAMES}{row.pk}/change/", {"venue": "binance", "ticker": "A,B", "name": "BTCUSDT"})
    browser.post(f"{NAMES}{row.pk}/delete/", {"post": "yes"})

    assert row.ticker == "BTC/USDT"
    assert wrong.context["adminform"].form.errors
    assert not VenueTicker.objects.exists()


def test_a_reader_only_reads(client, feed, hole):
    user = User.objects.create_user("rita")
    user.groups.add(Group.objects.get(name="reader"))
    client.force_login(user)

    assert client.get(LIST).status_code == client.get(HOLES).status_code == client.get(NAMES).status_code == 200
    assert client.get(f"{LIST}add/").status_code == client.get(f"{NAMES}add/").status_code == 403
    assert client.post(f"{LIST}{feed.pk}/change/", {"entry": "ETHUSDT@1m"}).status_code == 403
    act(client, LIST, "remove", feed)
    act(client, HOLES, "give_up", hole)
    hole.refresh_from_db()
    assert (Feed.objects.count(), hole.state) == (1, "open")
