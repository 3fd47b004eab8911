"""`feeds`: how live feeds are doing, and who may add, change and remove them."""

from datetime import timedelta

import pytest

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import live_feeds
from scanner_app.messaging.live_feeds import Heartbeat
from scanner_app.models import Feed, Gap
from tests.api.conftest import API
from tests.conftest import T0, make_symbol

FEEDS = f"{API}/feeds"

NEW = {"venue": "binance", "entry": "btcusdt, ETHUSDT@1m+60m"}


@pytest.fixture
def beats(monkeypatch):
    """The heartbeats of feeds, as Redis would have them."""
    found: dict[str, live_feeds.Heartbeat] = {}
    monkeypatch.setattr(live_feeds, "read", lambda names: {name: found[name] for name in names if name in found})
    return found


@pytest.fixture
def feed(db, beats):
    return Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT@1m")


@pytest.fixture
def fixed(db, beats):
    return Feed.objects.create(name="fixed", venue="binance", entry="XRPUSDT@1m", from_environment=True)


def hole(feed, ticker="BTCUSDT", **values):
    more = {"timeframe": "1m", "first": T0, "last": T0, "missing": 1, "found_at": T0, "cause": "start", **values}
    return Gap.objects.create(symbol=make_symbol(ticker), feed=feed, **more)


def test_each_feed_with_its_state_newest_first(reader, feed, fixed, beats, monkeypatch):
    monkeypatch.setattr("scanner_app.api.feeds.timezone.now", lambda: T0)
    beats["binance"] = Heartbeat(
        at=T0,
        venue="binance",
        state=FeedState.CATCHING_UP,
        connected_at=T0 - timedelta(hours=1),
        last_message_at=T0 - timedelta(seconds=1),
        lag_s=0.7,
        series=1,
        last_error="was away",
        refused=("X 1m: unknown",),
    )
    hole(feed)

    rows = reader.get(FEEDS).json()["results"]

    assert [row["name"] for row in rows] == ["fixed", "binance"]
    assert rows[1] == {
        "id": feed.pk,
        "name": "binance",
        "venue": "binance",
        "entry": "BTCUSDT@1m",
        "enabled": True,
        "from_environment": False,
        "state": "catching_up",
        "connected_at": "2024-05-31T13:30:00Z",
        "last_message_at": "2024-05-31T14:29:59Z",
        "lag_s": 0.7,
        "series": 1,
        "live": 0,
        "gaps_open": 1,
        "last_error": "was away",
        "refused": ["X 1m: unknown"],
    }
    assert (rows[0]["state"], rows[0]["last_error"]) == ("down", "no process runs it (manage.py feed)")


def test_an_operator_adds_one(operator, beats):
    answer = operator.post(FEEDS, NEW, format="json")

    assert answer.status_code == 201, answer.json()
    row = Feed.objects.get()
    assert (row.name, row.entry, row.enabled, row.from_environment) == (
        "binance",
        "BTCUSDT,ETHUSDT@1m+1h",
        True,
        False,
    )
    assert (answer.json()["id"], answer.json()["series"], answer.json()["state"]) == (row.pk, 4, "down")


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        pytest.param({"venue": "mtgox"}, "venue", "there is no venue 'mtgox'", id="no such venue"),
        pytest.param({"venue": 5}, "venue", "string", id="a number for a venue"),
        pytest.param({"venue": "x\u0000"}, "venue", "", id="a NUL"),
        pytest.param({"entry": "BTCUSDT"}, "entry", "has no timeframes", id="no timeframes"),
        pytest.param({"entry": "BTCUSDT@7m"}, "entry", "must be one of", id="no such timeframe"),
        pytest.param({"entry": "BTCUSDT@10m"}, "entry", "binance has no bars of 10m", id="not of this venue"),
        pytest.param({"entry": "@1m"}, "entry", "no tickers", id="no tickers"),
        pytest.param({"entry": "A" * 20_001}, "entry", "20", id="too long"),
        pytest.param({"name": "a/b"}, "name", "letters", id="a slash in the name"),
        pytest.param({"name": "x" * 65}, "name", "64", id="too long a name"),
        pytest.param({"enabled": "yes"}, "enabled", "valid boolean", id="no truth"),
        pytest.param({"entri": "x"}, "entri", "is unknown", id="a mistyped key"),
    ],
)
def test_what_makes_no_sense_is_a_400_by_its_field(operator, beats, change, field, said):
    answer = operator.post(FEEDS, {**NEW, **change}, format="json")

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert said in answer.json()[field][0]
    assert not Feed.objects.exists()


def test_a_name_that_is_taken_and_series_that_another_feed_brings_are_refused(operator, feed):
    taken = operator.post(FEEDS, {**NEW, "entry": "ETHUSDT@1m"}, format="json")
    twice = operator.post(FEEDS, {**NEW, "name": "second"}, format="json")
    off = operator.post(FEEDS, {**NEW, "name": "second", "enabled": False}, format="json")
    on = operator.patch(f"{FEEDS}/{off.json()['id']}", {"enabled": True}, format="json")

    assert (taken.status_code, taken.json()) == (400, {"name": ["there is a feed binance already"]})
    assert (twice.status_code, twice.json()) == (400, {"entry": ["the feed binance brings BTCUSDT 1m already"]})
    assert (off.status_code, on.status_code) == (201, 400)
    assert Feed.objects.get(name="second").enabled is False


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({"entry": "ETHUSDT@5m"}, ("ETHUSDT@5m", True)),
        ({"enabled": False}, ("BTCUSDT@1m", False)),
        ({}, ("BTCUSDT@1m", True)),
    ],
)
def test_an_operator_changes_one(operator, feed, change, after):
    answer = operator.patch(f"{FEEDS}/{feed.pk}", change, format="json")

    assert answer.status_code == 200
    feed.refresh_from_db()
    assert (feed.entry, feed.enabled) == (answer.json()["entry"], answer.json()["enabled"]) == after


@pytest.mark.parametrize("change", [{"entry": "rubbish"}, {"name": "other"}, {"venue": "x"}, {"enabled": None}])
def test_a_wrong_change_is_a_400_and_changes_nothing(operator, feed, change):
    before = Feed.objects.values().get()

    answer = operator.patch(f"{FEEDS}/{feed.pk}", change, format="json")

    assert (answer.status_code, list(answer.json())) == (400, list(change))
    assert Feed.objects.values().get() == before


def test_removing_one_keeps_its_holes_and_gives_up_those_that_nobody_asks_for_any_more(operator, feed):
    Feed.objects.create(name="other", venue="binance", entry="ETHUSDT@1m")
    alone, shared, done = hole(feed), hole(feed, "ETHUSDT"), hole(feed, "XRPUSDT", state="refilled")

    answer = operator.delete(f"{FEEDS}/{feed.pk}")

    assert answer.status_code == 204
    assert not Feed.objects.filter(name="binance").exists()
    for one in (alone, shared, done):
        one.refresh_from_db()
    assert (alone.state, alone.ended_by) == ("given_up", "olga")
    assert (shared.state, done.state) == ("open", "refilled")
    assert alone.feed is None


def test_the_environments_are_fixed(operator, fixed):
    before = Feed.objects.values().get()

    answers = [
        operator.patch(f"{FEEDS}/{fixed.pk}", {"enabled": False}, format="json"),
        operator.delete(f"{FEEDS}/{fixed.pk}"),
    ]

    for answer in answers:
        said = "The feed fixed comes from SCANNER_FEEDS: change it there, and restart"
        assert (answer.status_code, answer.json()) == (409, {"detail": said})
    assert Feed.objects.values().get() == before


@pytest.mark.parametrize("who", ["reader", "feeder"])
@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_others_may_only_read(request, who, method, feed):
    client = request.getfixturevalue(who)
    address = FEEDS if method == "post" else f"{FEEDS}/{feed.pk}"

    assert client.get(FEEDS).status_code == 200
    assert getattr(client, method)(address, {"enabled": False}, format="json").status_code == 403
    assert Feed.objects.get().enabled


def test_strangers_read_nothing_even_if_the_status_is_public(anonymous, feed, settings):
    settings.SCANNER_PUBLIC_STATUS = True

    assert anonymous.get(FEEDS).status_code == 401


@pytest.mark.parametrize("id_", ["7", "9" * 30])
def test_a_feed_that_is_not_there_is_a_404(operator, db, id_):
    for answer in (operator.patch(f"{FEEDS}/{id_}", {}, format="json"), operator.delete(f"{FEEDS}/{id_}")):
        assert answer.status_code == 404
