"""The page of live feeds."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import live_feeds
from scanner_app.models import Feed, Gap
from tests.conftest import T0, make_symbol

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def beats(monkeypatch):
    """The heartbeats of feeds, as Redis would have them."""
    found: dict[str, live_feeds.Heartbeat] = {}
    monkeypatch.setattr(live_feeds, "read", lambda _: found)
    return found


@pytest.fixture
def feed():
    return Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT@1m")


@pytest.fixture
def hole(feed):
    more = {"timeframe": "1m", "first": T0, "last": T0, "missing": 2, "found_at": timezone.now(), "cause": "silence"}
    return Gap.objects.create(symbol=make_symbol("BTCUSDT"), feed=feed, refilled=1, last_error="<b>429", **more)


def post(client, act, **values):
    return client.post("/feeds/", {"act": act, **values})


def test_it_is_for_those_who_have_signed_in(client, settings):
    settings.SCANNER_PUBLIC_STATUS = True

    assert client.get("/feeds/").url == "/login/?next=/feeds/"


def test_without_a_feed_it_says_how_to_have_one(reader):
    html = reader.get("/feeds").content.decode()

    assert "No live feed is configured" in html
    assert "Holes found today: no holes." in html
    assert 'value="add"' not in html


def test_it_shows_each_feed_and_the_open_holes_and_to_readers_nothing_to_do(reader, hole, beats):
    now = timezone.now()
    beats["binance"] = live_feeds.Heartbeat(
        at=now,
        venue="binance",
        state=FeedState.CATCHING_UP,
        series=1,
        lag_s=0.4,
        last_message_at=now - timedelta(minutes=5),
        last_error="<script>",
        refused=("X 1m: unknown",),
    )

    html = reader.get("/feeds/").content.decode()

    for shown in ("catching up", "0 of 1 series live", "5 min ago", "lag 0.4 s", "1 open hole", "X 1m: unknown"):
        assert shown in html, shown
    assert "today: 1 hole of 2 bars, 1 refilled, 1 still missing" in html
    assert "1 of 2" in html
    assert "&lt;b&gt;429" in html
    assert "<script>" not in html.split("<main")[1]
    assert "<form" not in html.split("<main")[1]


def test_an_operator_adds_changes_switches_and_removes_one(operator):
    added = post(operator, "add", venue="binance", entry="btcusdt@1m", name="")
    feed = Feed.objects.get()
    assert (added.status_code, added.url, feed.entry) == (302, "/feeds/", "BTCUSDT@1m")

    post(operator, "change", id=feed.pk, entry="ETHUSDT@5m")
    post(operator, "disable", id=feed.pk)
    feed.refresh_from_db()
    assert (feed.entry, feed.enabled) == ("ETHUSDT@5m", False)
    assert ">disabled<" in operator.get("/feeds/").content.decode()

    post(operator, "enable", id=feed.pk)
    feed.refresh_from_db()
    assert feed.enabled
    post(operator, "remove", id=feed.pk)
    assert not Feed.objects.exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"act": "add", "venue": "mtgox", "entry": "X@1m"}, "Venue: there is no venue &#x27;mtgox&#x27;"),
        ({"act": "add", "venue": "binance", "entry": "X\0"}, "Entry: &#x27;X&#x27; has no timeframes"),
        ({"act": "add"}, "Venue: "),
        ({"act": "explode"}, "Choose what to do."),
        ({}, "Choose what to do."),
    ],
)
def test_what_makes_no_sense_is_said_and_kept_in_the_form(operator, values, said):
    answer = operator.post("/feeds/", values)

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Feed.objects.exists()


def test_the_environments_feeds_are_fixed(operator, feed):
    Feed.objects.update(from_environment=True)

    answer = post(operator, "disable", id=feed.pk)

    assert answer.status_code == 409
    assert "comes from SCANNER_FEEDS" in answer.content.decode()
    assert 'value="disable"' not in answer.content.decode()
    assert Feed.objects.get().enabled


def test_an_operator_gives_a_hole_up_and_once_more_changes_nothing(operator, hole):
    for _ in range(2):
        assert post(operator, "give_up", id=hole.pk).url == "/feeds/"

    hole.refresh_from_db()
    assert (hole.state, hole.ended_by) == ("given_up", "olga")
    assert 'value="give_up"' not in operator.get("/feeds/").content.decode()


@pytest.mark.parametrize("act", ["add", "change", "enable", "disable", "remove", "give_up"])
def test_a_reader_may_do_nothing(reader, hole, act):
    before = list(Feed.objects.values()), list(Gap.objects.values())

    answer = post(reader, act, id=hole.pk, venue="binance", entry="ETHUSDT@1m", name="x")

    assert answer.status_code == 403
    assert (list(Feed.objects.values()), list(Gap.objects.values())) == before


@pytest.mark.parametrize("number", ["9" * 5_000, "9" * 19, "-1", "x", ""])
@pytest.mark.parametrize("act", ["disable", "give_up"])
def test_a_number_that_no_row_has_is_not_found(operator, feed, act, number):
    assert post(operator, act, id=number).status_code == 404


def test_without_the_csrf_token_nothing_is_done(feed):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("stan", is_staff=True))

    assert client.post("/feeds/", {"act": "remove", "id": feed.pk}).status_code == 403
    assert Feed.objects.exists()
