"""What a symbol's chart shows."""

from datetime import timedelta
from functools import partial

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction, Finding
from scanner_app.engine import ingest
from scanner_app.models import Symbol
from scanner_app.reading import chart as charts
from tests.conftest import T0, accept_days, new_bar, raw_bar, start_head

chart = partial(charts.chart, now=T0)

FINDING = Finding(detector="candlesticks", pattern="CDLDOJI", direction=Direction.NEUTRAL, strength=1)


def days(shown):
    return [bar["timestamp"].day for bar in shown.bars]


def loaded() -> Symbol:
    return Symbol.objects.select_related("status").get()


def test_bars_are_ordered_by_their_time_late_ones_too(db):
    accept_days("TSLA", 2, first=4)
    accept_days("TSLA", 1, first=0)

    assert days(chart(loaded(), "1d")) == [1, 5, 6]


def test_the_newest_bars_are_shown_when_there_are_more_than_asked_for(db):
    accept_days("TSLA", 5)

    assert days(chart(loaded(), "1d", limit=2)) == [4, 5]


def test_the_shortest_timeframe_is_shown_unless_another_is_requested(db):
    accept_days("TSLA", 1)
    mailbox.accept([new_bar(timeframe="1m"), new_bar(timeframe="1m", timestamp=T0 + timedelta(minutes=1))], now=T0)

    assert chart(loaded(), None).timeframes == ["1m", "1d"]
    assert chart(loaded(), None).timeframe == "1m"
    assert len(chart(loaded(), None).bars) == 2
    assert len(chart(loaded(), "1d").bars) == 1
    assert chart(loaded(), "1h").bars == []


def test_an_unknown_volume_is_none(db):
    accept_days("TSLA", 1)
    mailbox.accept([new_bar(day=1, volume=None)], now=T0)

    assert [bar["volume"] for bar in chart(loaded(), "1d").bars] == [1000.0, None]


def test_a_symbol_without_bars_has_an_empty_chart(symbol):
    shown = chart(loaded(), None)

    assert (shown.timeframes, shown.timeframe, shown.bars, shown.signals) == ([], None, [], [])


def test_signals_are_those_of_the_bars_that_are_shown(db):
    accept_days("TSLA", 2)
    for _ in range(2):
        mailbox.complete(start_head(loaded()), [FINDING], now=T0, run_s=0)

    shown = chart(loaded(), "1d", limit=1)

    assert [one["timestamp"] for one in shown.signals] == [shown.bars[0]["timestamp"]]


def test_a_bar_in_quarantine_is_shown_until_it_is_discarded(db):
    accept_days("TSLA", 2)
    mailbox.quarantine_head(start_head(loaded()), BarUnusable("no"), now=T0)
    assert [bar["status"] for bar in chart(loaded(), "1d").bars] == ["quarantined", "waiting"]

    mailbox.discard(loaded().quarantine.get(), by="olga", now=T0)

    assert days(chart(loaded(), "1d")) == [2]


def test_the_queries_do_not_grow_with_the_bars(db, django_assert_num_queries):
    accept_days("TSLA", 30)
    symbol = loaded()

    with django_assert_num_queries(3):
        chart(symbol, "1d")


def test_the_bar_that_forms_is_apart_from_those_that_are_closed(db):
    accept_days("TSLA", 2)
    minute = raw_bar(timeframe="1m", timestamp=T0.isoformat(), close=11.5)
    today = raw_bar(timestamp="2024-05-31T00:00:00Z", close=11.5)
    ingest.accept([minute, today], now=T0)

    shown = chart(loaded(), "1d")

    assert days(shown) == [1, 2]
    assert shown.forming is not None
    assert (shown.forming.timestamp.day, shown.forming.close) == (31, 11.5)
    assert shown.timeframes == ["1m", "1d"]
    assert chart(loaded(), None).bars == []


def test_no_bar_forms_once_it_is_closed(db):
    ingest.accept([raw_bar(timestamp="2024-05-31T00:00:00Z")], now=T0)
    ingest.accept([raw_bar(timestamp="2024-05-31T00:00:00Z", closed=True)], now=T0)

    assert chart(loaded(), "1d").forming is None
