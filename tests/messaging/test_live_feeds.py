from datetime import UTC, datetime, timedelta

import pytest

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import live_feeds
from scanner_app.messaging.live_feeds import LEASE_KEY, Heartbeat

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("broker_server")


def test_a_heartbeat_comes_back_as_it_was_written():
    written = Heartbeat(
        at=NOW,
        venue="binance",
        state=FeedState.LIVE,
        connected_at=NOW - timedelta(hours=1),
        lag_s=0.4,
        series=2,
        refused=("XYZ 1m: no such symbol",),
    )

    live_feeds.write({"mine": written})

    assert live_feeds.read_all() == {"mine": written}


def test_a_feed_that_says_nothing_any_more_is_down_and_what_it_said_last_is_kept():
    heartbeat = Heartbeat(
        at=NOW, venue="binance", state=FeedState.LIVE, connected_at=NOW, last_message_at=NOW, last_error="reset"
    )

    assert heartbeat.as_of(NOW + live_feeds.OLD_AFTER) == heartbeat
    later = heartbeat.as_of(NOW + live_feeds.OLD_AFTER + timedelta(seconds=1))
    assert (later.state, later.connected_at) == (FeedState.DOWN, None)
    assert (later.last_message_at, later.last_error) == (NOW, "reset")


def test_a_venue_s_lease_has_one_holder(broker_server):
    assert live_feeds.take_lease("binance", "one")
    assert not live_feeds.take_lease("binance", "two")
    assert live_feeds.take_lease("binance", "one")  # renewed
    assert live_feeds.take_lease("alpaca", "two")
    assert broker_server.get(LEASE_KEY + "binance") == b"one"


def test_only_its_holder_gives_a_lease_back(broker_server):
    live_feeds.take_lease("binance", "one")

    live_feeds.release_lease("binance", "two")
    assert broker_server.get(LEASE_KEY + "binance") == b"one"
    live_feeds.release_lease("binance", "one")
    assert live_feeds.take_lease("binance", "two")


def test_a_lease_that_nobody_renews_ends(broker_server):
    live_feeds.take_lease("binance", "one")

    assert 0 < broker_server.pttl("scanner:feed-lease:binance") <= live_feeds.LEASE_MS
