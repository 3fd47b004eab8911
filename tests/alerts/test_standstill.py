"""What alerts say and count after the scanner stood still, and when a feed is down for another reason than before."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import live_feeds
from scanner_app.models import Alert, Feed
from scanner_app.reading import status
from tests.alerts.watching import LOOK_S, notified, redis_server, state_of, watched

__all__ = ["redis_server", "watched"]  # fixtures

NO_PROCESS = "Live feed binance is down: no process runs it (manage.py feed)."


@pytest.fixture
def no_process(watched):
    Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT@1m")
    return watched


def feed_says(scanner, error):
    """Its process lives, and writes this at each look."""

    def beat():
        values = {"at": scanner.clock.now, "venue": "binance", "state": FeedState.DOWN, "last_error": error}
        live_feeds.write({"binance": live_feeds.Heartbeat(**values)})

    scanner.at_each_look = beat


def test_a_pending_alert_does_not_count_the_time_in_which_nobody_evaluated_the_rules(no_process):
    no_process.look_for(50)
    no_process.clock.move(420)

    no_process.look_for(55)
    assert (state_of("feed_down"), notified("feed_down")) == (["pending"], [])

    no_process.look()
    assert (state_of("feed_down"), notified("feed_down")) == (["firing"], ["fired"])


def test_an_evaluation_that_comes_somewhat_late_counts_on(no_process):
    no_process.look()
    no_process.clock.move(status.OVERDUE_AFTER.total_seconds() - LOOK_S)
    no_process.look()  # just in time

    no_process.look_for(25)

    assert state_of("feed_down") == ["firing"]


def test_an_alert_that_fired_before_the_standstill_goes_on(no_process):
    no_process.look_for(60)
    before = Alert.objects.get()
    no_process.clock.move(420)

    no_process.look()

    after = Alert.objects.get()
    assert (after.state, after.began_at, after.fired_at) == ("firing", before.began_at, before.fired_at)
    assert notified("feed_down") == ["fired"]


def test_a_feed_that_is_down_for_another_reason_says_that_of_now_without_another_notification(no_process):
    no_process.look_for(60)
    assert Alert.objects.get().message == NO_PROCESS

    feed_says(no_process, "gaierror: name resolution")
    no_process.look()

    [alert] = status.fired_alerts()
    assert alert.message == "Live feed binance is down: gaierror: name resolution."
    assert status.overview(no_process.clock.now).reasons[0] == alert.message
    assert notified("feed_down") == ["fired"]


def test_a_feed_that_stays_down_for_the_same_reason_costs_no_write_of_its_alert(no_process):
    feed_says(no_process, "gaierror: name resolution")
    no_process.look_for(60)

    with CaptureQueriesContext(connection) as queries:
        no_process.look()

    assert not [one for one in queries if one["sql"].startswith('UPDATE "scanner_app_alert"')]
