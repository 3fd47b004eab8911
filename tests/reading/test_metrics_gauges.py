"""The gauges of a scrape, and which of them remain when the database or the broker fails."""

from datetime import timedelta

import pytest
import redis
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.domain.enums import FeedState
from scanner_app.messaging import heartbeats, live_feeds, queue_contents, ready_lists, sweep_memory
from scanner_app.messaging.heartbeats import Heartbeat
from scanner_app.models import Alert, CircuitBreaker, Feed, Notification, Symbol, SymbolStatus
from scanner_app.reading import status
from tests.conftest import T0, accept_days, make_symbol, new_bar
from tests.odd_tickers import ODD_TICKERS
from tests.scraping import labels_of, value

MINUTE = timedelta(minutes=1)


def test_symbols_breakers_backlog_and_heads(scrape):
    for ticker in ("AAPL", "TSLA", "IDLE"):
        make_symbol(ticker)
    accept_days("AAPL", 2)
    accept_days("TSLA", 3)
    mailbox.disable(Symbol.objects.get(ticker="AAPL"), by="olga", now=T0)
    SymbolStatus.objects.filter(symbol__ticker="TSLA").update(lane="slow")
    CircuitBreaker.objects.filter(symbol__ticker="IDLE").update(failures=3, opened_at=T0, incident_at=T0)

    page = scrape(T0)

    assert [value(page, "scanner_symbols", state=state) for state in ("processing", "paused", "failed")] == [1, 1, 1]
    assert [value(page, "scanner_breakers", state=state) for state in ("closed", "open", "half_open")] == [2, 1, 0]
    assert value(page, "scanner_symbols_enabled") == 2
    assert value(page, "scanner_backlog_bars") == 5
    assert [value(page, "scanner_heads", lane=lane) for lane in ("main", "slow")] == [0, 1], "AAPL is disabled"
    assert value(page, "scanner_overall_status") == 1
    assert value(page, "scanner_symbol_breaker_state", symbol="IDLE") == 2
    assert value(page, "scanner_symbol_backlog_bars", symbol="TSLA") == 3


def test_late_feeds_and_the_age_of_data(scrape):
    for ticker in ("A/B", "C/D"):
        make_symbol(ticker)
    mailbox.accept([new_bar("A/B", timeframe="1m", timestamp=T0 - MINUTE)], now=T0)

    page = scrape(T0 + 5 * MINUTE)

    assert value(page, "scanner_symbols_stale") == 1
    assert value(page, "scanner_symbol_data_age_seconds", symbol="A/B") == 300
    assert value(page, "scanner_symbol_stale_seconds", symbol="A/B") == 180
    assert value(page, "scanner_symbol_data_age_seconds", symbol="C/D") is None


def test_a_ticker_is_a_label_however_odd_it_is(scrape):
    for ticker in ODD_TICKERS:
        make_symbol(ticker)

    page = scrape(T0)

    assert set(labels_of(page, "scanner_symbol_backlog_bars", "symbol")) == set(ODD_TICKERS)


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        pytest.param(3, ["S8", "S9", "S0"], id="those in trouble first, then by ticker"),
        pytest.param(1, ["S8"], id="fewer than are in trouble"),
        pytest.param(0, [], id="none"),
    ],
)
def test_symbols_have_series_up_to_the_setting(scrape, settings, limit, shown):
    settings.SCANNER_METRICS_SYMBOLS = limit
    for number in range(10):
        make_symbol(f"S{number}")
    CircuitBreaker.objects.filter(symbol__ticker__in=["S8", "S9"]).update(failures=3, opened_at=T0)
    mailbox.disable(Symbol.objects.get(ticker="S5"), by="olga", now=T0)

    page = scrape(T0)

    assert labels_of(page, "scanner_symbol_backlog_bars", "symbol") == shown
    assert value(page, "scanner_symbols_without_series") == 10 - limit


def test_notifications_of_the_last_day_by_channel_and_state(scrape, symbol):
    for number, (channel, state, at) in enumerate(
        [("mail", "sent", T0), ("mail", "sent", T0), ("mail", "failed", T0), ("mail", "sent", T0 - timedelta(days=2))]
    ):
        Notification.objects.create(
            kind="opened", symbol=symbol, channel=channel, state=state, at=at, message_id=str(number)
        )

    page = scrape(T0)

    assert value(page, "scanner_notifications", channel="mail", state="sent") == 2
    assert value(page, "scanner_notifications", channel="mail", state="failed") == 1


def test_alerts_that_have_fired_by_rule_and_a_zero_for_those_that_have_not(scrape, symbol):
    for number, state in enumerate(("firing", "recovering", "pending", "resolved")):
        Alert.objects.create(
            rule="stale_symbol", severity="warning", subject=str(number), state=state, message="late", began_at=T0
        )

    page = scrape(T0)

    assert value(page, "scanner_alerts", rule="stale_symbol", severity="warning") == 2
    assert value(page, "scanner_alerts", rule="open_breakers", severity="error") == 0


def test_workers_queues_and_the_sweeper(scrape, monkeypatch):
    waiting = {"upkeep": 5, "notify": 0, "hits": 0, "rerun": 0}
    monkeypatch.setattr(queue_contents, "depths", lambda queues: {queue: waiting[queue] for queue in queues})
    monkeypatch.setattr(ready_lists, "depths", lambda: {"main": 2, "slow": 3})
    monkeypatch.setattr(
        heartbeats,
        "read_all",
        lambda: {
            "main@a": Heartbeat(role="main", held=("x", "y")),
            "main@b": Heartbeat(role="main", held=("z",), unanswered_s=11.5),
        },
    )
    monkeypatch.setattr(sweep_memory, "last_sweep", lambda: T0.timestamp() - 4)

    page = scrape(T0)

    assert [value(page, "scanner_workers", role=role) for role in ("main", "slow")] == [2, 0]
    assert value(page, "scanner_held_messages", role="main") == 3
    assert [value(page, "scanner_queued_messages", role=role) for role in ("main", "slow", "upkeep")] == [2, 3, 5]
    assert value(page, "scanner_unheard_seconds") == 11.5
    assert value(page, "scanner_sweep_age_seconds") == 4
    assert [value(page, "scanner_up", part=part) for part in ("database", "broker")] == [1, 1]


def test_without_the_broker_the_other_metrics_remain_and_scanner_up_is_0(scrape, monkeypatch, symbol):
    def away():
        raise redis.ConnectionError("away")

    monkeypatch.setattr(heartbeats, "read_all", away)

    page = scrape(T0)

    assert [value(page, "scanner_up", part=part) for part in ("database", "broker")] == [1, 0]
    assert value(page, "scanner_symbols_enabled") == 1
    assert value(page, "scanner_workers", role="main") is None


def test_without_the_database_the_other_metrics_remain_and_scanner_up_is_0(scrape, monkeypatch):
    def away(*_):
        raise OperationalError("away")

    monkeypatch.setattr(status, "overview", away)

    page = scrape(T0)

    assert [value(page, "scanner_up", part=part) for part in ("database", "broker")] == [0, 1]
    assert value(page, "scanner_symbols_enabled") is None
    assert value(page, "scanner_workers", role="main") == 0
    assert value(page, "scanner_bars_processed_total") is not None


def test_live_feeds_that_are_to_run_have_their_series(scrape, monkeypatch):
    for name in ("a", "b"):
        Feed.objects.create(name=name, venue="binance", entry="BTCUSDT@1m", enabled=name != "b")
    beat = live_feeds.Heartbeat(
        at=T0, venue="binance", state=FeedState.SILENT, lag_s=0.4, last_message_at=T0 - MINUTE, series=1
    )
    monkeypatch.setattr(live_feeds, "read", lambda _: {"a": beat, "b": beat})

    page = scrape(T0)

    assert value(page, "scanner_feed_state", feed="a") == 2
    assert value(page, "scanner_feed_lag_seconds", feed="a") == 0.4
    assert value(page, "scanner_feed_quiet_seconds", feed="a") == 60
    assert value(page, "scanner_feed_gaps_open", feed="a") == 0
    assert value(page, "scanner_feed_series", feed="a") == 1
    assert value(page, "scanner_feed_state", feed="b") is None, "switched off"


@pytest.mark.parametrize("symbols", [1, 300])
def test_a_scrape_takes_nine_queries_whatever_the_number_of_symbols(scrape, symbols):
    for number in range(symbols):
        make_symbol(f"S{number}")

    with CaptureQueriesContext(connection) as queries:
        scrape(T0)

    assert len(queries) == 9, "a status's six, the quarantine, the notifications, the feeds"


def test_openmetrics_is_served_on_request(scrape):
    page = scrape(T0, "application/openmetrics-text; version=1.0.0")

    assert page.endswith("# EOF\n")
    assert page.count("# EOF") == 1
