"""How the live feeds are doing, as API, board, metrics and /readyz show it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import live_feeds
from scanner_app.messaging.live_feeds import Heartbeat
from scanner_app.models import Feed, Gap
from scanner_app.reading import feeds
from tests.conftest import T0, make_symbol

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(db):
    return Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT,ETHUSDT@1m+1h")


def beat(**values):
    live_feeds.write({"binance": Heartbeat(**{"at": T0, "venue": "binance", "state": FeedState.LIVE, **values})})


def only(now=T0):
    [one] = feeds.of_all(now)
    return one


def test_without_a_feed_it_is_one_query_and_the_broker_is_not_asked(monkeypatch):
    monkeypatch.setattr(live_feeds, "read", lambda *_: pytest.fail("asked"))

    with CaptureQueriesContext(connection) as queries:
        assert feeds.of_all(T0) == []

    assert len(queries) == 1


def test_a_living_feed_is_as_its_heartbeat_says(feed, broker_server):
    beat(
        connected_at=T0 - timedelta(hours=1),
        last_message_at=T0 - timedelta(seconds=3),
        lag_s=0.4,
        series=4,
        live=4,
        gaps_open=99,
        refused=("X 1m: unknown",),
    )
    Gap.objects.create(**hole(feed))

    one = only()

    assert (one.state, one.connected_at, one.lag_s, one.series) == (FeedState.LIVE, T0 - timedelta(hours=1), 0.4, 4)
    assert (one.quiet_s(T0), one.refused, one.trouble(T0)) == (3.0, ("X 1m: unknown",), "")
    assert one.gaps_open == 1, "by the ledger, which also knows while no process runs"


def hole(feed, **values):
    more = {"timeframe": "1m", "first": T0, "last": T0, "missing": 1, "found_at": T0, "cause": "start", **values}
    return {"symbol": make_symbol("TSLA"), "feed": feed, **more}


def test_a_feed_without_a_process_is_down_and_says_why_with_what_was_before(feed, broker_server):
    never = only()
    beat(last_error="refused", connected_at=T0, live=4)
    ended = only(T0 + timedelta(seconds=11))

    assert (never.state, never.series, never.last_error) == (FeedState.DOWN, 4, "no process runs it (manage.py feed)")
    assert (ended.state, ended.connected_at, ended.live) == (FeedState.DOWN, None, 0)
    assert ended.last_error == "no process runs it (manage.py feed); before that: refused"
    assert feeds.warnings(T0) == []
    assert feeds.warnings(T0 + timedelta(seconds=11)) == [f"Live feed binance is down: {ended.last_error}."]


def test_while_the_broker_is_away_a_feed_is_down_for_want_of_knowledge(feed, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1"

    assert only().last_error == "the broker does not answer, so nothing is known of it"


def test_a_feed_that_is_switched_off_is_down_without_being_in_trouble(feed, broker_server):
    Feed.objects.update(enabled=False)
    beat(state=FeedState.SILENT, last_error="odd", live=4)

    one = only()

    assert (one.state, one.live, one.last_error, one.trouble(T0)) == (FeedState.DOWN, 0, "", "")


def test_an_entry_that_is_not_understood_has_no_series(feed, broker_server):
    Feed.objects.update(entry="rubbish")

    assert only().series == 0


def test_several_feeds_cost_the_same_few_queries_and_one_question_to_the_broker(feed, broker_server, monkeypatch):
    for number in range(9):
        Feed.objects.create(name=f"f{number}", venue="binance", entry="BTCUSDT@1m")
    asked = []
    read = live_feeds.read

    def count(names):
        asked.append(1)
        return read(names)

    monkeypatch.setattr(live_feeds, "read", count)

    with CaptureQueriesContext(connection) as queries:
        assert len(feeds.of_all(T0)) == 10

    assert (len(queries), len(asked)) == (2, 1)
