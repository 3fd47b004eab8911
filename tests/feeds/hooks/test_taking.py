"""From the message of a hook to bars."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from scanner_app.engine import forming
from scanner_app.feeds.hooks import store, taking
from scanner_app.models import Bar, FormingBar, Symbol
from tests.conftest import T0

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def hook():
    return store.make(User.objects.create_user("fred"), name="tv", mapping="tradingview", now=T0)[0]


def message(**values):
    bar = {
        "ticker": "BTCUSDT",
        "interval": "1",
        "time": T0.isoformat(),
        "timenow": (T0 + MINUTE).isoformat(),
        "open": "10",
        "high": "12",
        "low": "9",
        "close": "11",
        "volume": "1000",
    }
    return {**bar, **values}


def test_a_bar_is_accepted_once_however_often_it_is_sent(hook):
    now = T0 + 2 * MINUTE

    first = taking.take(hook, [message()], now=now)
    again = taking.take(hook, [message()], now=now + MINUTE)

    assert (first.accepted, again.accepted, again.duplicates) == (1, 0, 1)
    bar = Bar.objects.get()
    assert (bar.symbol.ticker, bar.timeframe, bar.timestamp, bar.close) == ("BTCUSDT", "1m", T0, 11.0)


@pytest.mark.parametrize(
    ("sent_s", "forming"),
    [
        pytest.param(59, False, id="within the tolerance for clocks"),
        pytest.param(60, False, id="at the end"),
        pytest.param(57, True, id="before the end"),
        pytest.param(10, True, id="in the middle"),
    ],
)
def test_a_bar_that_was_forming_when_it_was_sent_is_forming_however_late_it_comes(hook, sent_s, forming):
    sent = (T0 + timedelta(seconds=sent_s)).isoformat()

    report = taking.take(hook, [message(timenow=sent)], now=T0 + timedelta(hours=1))

    assert (report.forming, report.accepted) == ((1, 0) if forming else (0, 1))
    assert FormingBar.objects.exists() == forming


def test_whether_it_was_forming_is_asked_of_the_symbols_own_calendar(hook):
    # New York closes at 20:00 UTC: the last hour has half an hour.
    sent = {"ticker": "AAPL", "interval": "60", "time": "2024-05-31T19:30:00Z"}

    closed = taking.take(hook, [message(**sent, timenow="2024-05-31T20:00:01Z")], now=T0 + timedelta(days=3))
    before = taking.take(hook, [message(**sent, timenow="2024-05-31T19:59:00Z")], now=T0 + timedelta(days=3))

    assert (closed.accepted, before.forming) == (1, 1)


def test_without_the_time_of_sending_its_arrival_counts(hook):
    unsaid = message()
    del unsaid["timenow"]

    report = taking.take(hook, [unsaid], now=T0 + 2 * MINUTE)

    assert report.accepted == 1


def test_a_time_of_sending_in_the_future_says_nothing(hook):
    now = T0 + timedelta(seconds=30)

    report = taking.take(hook, [message(timenow=(T0 + timedelta(days=9)).isoformat())], now=now)

    assert report.forming == 1


def test_good_bars_of_a_list_are_accepted_and_the_others_named_by_place_field_and_key(hook):
    bars = [
        "no object",
        message(),
        message(open="{{open}}"),
        message(timenow="soon"),
        message(ticker="ETHUSDT"),
        message(interval="10T"),
    ]

    report = taking.take(hook, bars, now=T0 + 2 * MINUTE)

    assert report.accepted == 2
    assert [(one.index, one.field) for one in report.rejected] == [
        (0, "bar"),
        (2, "open"),
        (3, "sent_at"),
        (5, "timeframe"),
    ]
    said = [one.message for one in report.rejected]
    assert "an object, not str" in said[0]
    assert "in the message of an alert" in said[1]
    assert "not 'soon' (key 'timenow' of the message)" in said[2]
    assert "'10T (ticks)' (key 'interval' of the message)" in said[3]
    assert {one.ticker for one in Symbol.objects.all()} == {"BTCUSDT", "ETHUSDT"}


def test_a_missing_field_is_named_with_its_key(hook):
    incomplete = message()
    del incomplete["time"]

    report = taking.take(hook, [incomplete], now=T0)

    assert report.rejected[0].message == "timestamp is missing (key 'time' of the message)"
    assert taking.error_of(report) == report.rejected[0].message


def test_new_values_are_a_conflict_and_a_revision_only_if_the_sender_says_so(hook):
    now = T0 + 2 * MINUTE
    taking.take(hook, [message()], now=now)

    conflict = taking.take(hook, [message(), message(ticker="ETHUSDT"), message(close="10.5")], now=now)
    revised = taking.take(hook, [message(close="10.5")], now=now, revising=True)

    assert [one.index for one in conflict.conflicts] == [2]
    assert "BTCUSDT: the 1m bar of 2024-05-31 14:30:00 UTC is known" in taking.error_of(conflict)
    assert revised.revised == 1
    assert Bar.objects.get(symbol__ticker="BTCUSDT").close == 10.5


def test_a_bar_that_is_surely_closed_asks_for_no_calendar(hook, monkeypatch):
    monkeypatch.setattr(forming, "hours_of", lambda *_: pytest.fail("took the time to load one"))

    assert taking.take(hook, [message()], now=T0 + timedelta(days=10)).accepted == 1


def test_a_symbol_has_the_ticker_that_its_hook_names(hook):
    store.rename(hook, {"BINANCE:BTCUSDT": "BTC/USD"})

    report = taking.take(hook, [message(ticker="Binance:BTCUSDT"), message(ticker="ETHUSDT")], now=T0 + 2 * MINUTE)

    assert report.accepted == 2
    assert set(Symbol.objects.values_list("ticker", flat=True)) == {"BTC/USD", "ETHUSDT"}
