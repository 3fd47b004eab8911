"""When a feed is late: by the market's time, only once it has been watched, and only until the next bar."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.conf import alert_limits
from scanner_app.domain import staleness
from scanner_app.domain.alert_rules import RULES, Facts
from scanner_app.models import Symbol
from scanner_app.reading import status, symbol_status
from tests.calendars.conftest import always, new_york  # noqa: F401 - fixtures
from tests.conftest import make_symbol, new_bar, row_of
from tests.domain.test_trading_hours import at

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("timeframe", "accepted", "fresh"),
    [
        pytest.param("1m", "2026-03-03 15:00:20", True, id="before its end"),
        pytest.param("1m", "2026-03-03 15:03:00", True, id="two timeframes after its end"),
        pytest.param("1m", "2026-03-03 15:03:01", False, id="later"),
        pytest.param("1d", "2026-03-06 15:00:00", True, id="a daily bar two days after its end"),
        pytest.param("1d", "2026-03-06 15:00:01", False, id="a daily bar later"),
    ],
)
def test_a_bar_is_fresh_within_two_timeframes_of_its_end(timeframe, accepted, fresh):
    assert staleness.is_fresh(timeframe, at("2026-03-03 15:00"), at(accepted)) is fresh


@pytest.mark.parametrize(
    ("timeframe", "newest", "now", "late_s"),
    [
        pytest.param("1m", "2026-03-03 15:00", "2026-03-03 15:03:00", 0, id="a timeframe and the grace"),
        pytest.param("1m", "2026-03-03 15:00", "2026-03-03 15:03:30", 30, id="half a minute more"),
        pytest.param("1m", "2026-03-03 20:59", "2026-03-04 14:00:00", 0, id="the night"),
        pytest.param("1m", "2026-03-06 20:59", "2026-03-09 13:32:00", 0, id="a weekend, summer time begins in it"),
        pytest.param("1m", "2026-03-06 20:59", "2026-03-09 13:32:01", 1, id="two minutes after the opening"),
        pytest.param("1m", "2026-03-03 20:00", "2026-03-03 21:00", 57 * 60, id="an hour before the close"),
        pytest.param("1m", "2026-03-03 20:00", "2026-03-04 09:00", 57 * 60, id="no more in the night"),
        pytest.param("1h", "2026-03-03 15:30", "2026-03-03 17:33", 0, id="an hour and a twentieth"),
        pytest.param(
            "1d", "2025-11-25 00:00", "2025-11-26 21:00", 0, id="a day: not before the next session has ended"
        ),
        pytest.param("1d", "2025-11-25 00:00", "2025-11-28 15:42", 0, id="and over a holiday with its grace"),
        pytest.param("1d", "2025-11-25 00:00", "2025-11-28 15:43", 60, id="a minute more"),
        pytest.param("1w", "2026-03-02 00:00", "2026-03-13 20:00", 0, id="a week: the next one has ended"),
        pytest.param("1w", "2026-03-02 00:00", "2026-03-17 20:00", 4.6 * 3600, id="and its grace is over"),
    ],
)
def test_how_late_a_bar_is_in_trading_time(new_york, timeframe, newest, now, late_s):  # noqa: F811
    late = staleness.late_for(timeframe, at(newest), new_york, grace_s=60, now=at(now))

    assert late == pytest.approx(late_s)


def test_the_shortest_watched_timeframe_decides(always):  # noqa: F811
    newest = {"1m": "2026-03-03T15:00:00+00:00", "1s": "2026-03-03T01:00:00+00:00", "1d": "2026-03-03T00:00:00+00:00"}

    judged = staleness.judge(newest, ["1d", "1m"], lambda: always, grace_s=60, now=at("2026-03-03 15:10"))

    assert judged == staleness.Freshness(is_stale=True, age_s=0, stale_for_s=7 * 60)


@pytest.mark.parametrize(("hour", "stale"), [("14:00", True), ("15:00", False)])
def test_a_timeframe_that_is_fed_no_more_is_dropped_once_three_bars_of_a_longer_one_came(hour, stale, always):  # noqa: F811
    newest = {"1m": "2026-03-03T12:00:00+00:00", "1h": f"2026-03-03T{hour}:00+00:00"}

    judged = staleness.judge(newest, ["1m", "1h"], lambda: always, grace_s=60, now=at(f"2026-03-03 {hour}"))

    assert judged.is_stale is stale


def test_without_a_bar_there_is_no_age_and_nobody_asks_for_a_calendar():
    def never():
        raise AssertionError("asked for")

    assert staleness.judge({}, [], never, grace_s=60, now=at("2026-03-03")) == staleness.Freshness()
    unwatched = staleness.judge({"1d": "2026-03-01T00:00:00+00:00"}, [], never, grace_s=60, now=at("2026-03-03"))
    assert unwatched == staleness.Freshness(age_s=86_400)


def accept_minute(opened: datetime, *, accepted: datetime | None = None, ticker: str = "BTC/USD") -> mailbox.Verdict:
    bar = new_bar(ticker, timeframe="1m", timestamp=opened)
    (verdict,) = mailbox.accept([bar], now=accepted or opened + MINUTE)
    return verdict


def seen(symbol: Symbol, now: datetime) -> symbol_status.SymbolSummary:
    shown = symbol_status.shown_symbols().get(pk=symbol.pk)
    return symbol_status.summary(shown, now)


START = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_a_feed_that_stops_makes_its_symbol_stale_and_the_next_bar_ends_that():
    symbol = make_symbol("BTC/USD")
    accept_minute(START)

    good = seen(symbol, START + 3 * MINUTE)
    late = seen(symbol, START + 5 * MINUTE)
    accept_minute(START + 4 * MINUTE)
    cured = seen(symbol, START + 5 * MINUTE)

    assert (good.is_stale, good.stale_for_s, good.data_age_seconds) == (False, 0, 120)
    assert (late.is_stale, late.stale_for_s, late.data_age_seconds) == (True, 120, 240)
    assert (cured.is_stale, cured.stale_for_s, cured.data_age_seconds) == (False, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_replayed_history_is_never_stale_but_has_an_age():
    symbol = make_symbol("BTC/USD")
    accept_minute(START, accepted=START + timedelta(days=900))

    shown = seen(symbol, START + timedelta(days=900))

    assert row_of(symbol).watched == []
    assert (shown.is_stale, shown.stale_for_s) == (False, 0)
    assert shown.data_age_seconds == 900 * 86_400 - 60


@pytest.mark.django_db(transaction=True)
def test_a_late_bar_is_taken_and_does_not_make_the_feed_look_younger():
    symbol = make_symbol("BTC/USD")
    accept_minute(START)

    verdict = accept_minute(START - 5 * MINUTE, accepted=START + 10 * MINUTE)

    shown = seen(symbol, START + 10 * MINUTE)
    assert verdict is mailbox.Verdict.ACCEPTED
    assert (shown.is_stale, shown.data_age_seconds, shown.backlog) == (True, 540, 2)


@pytest.mark.django_db(transaction=True)
def test_a_share_is_not_stale_at_night_and_is_after_the_next_opening():
    symbol = make_symbol("TSLA")
    accept_minute(at("2026-03-03 20:59"), ticker="TSLA")

    night, morning = seen(symbol, at("2026-03-04 12:00")), seen(symbol, at("2026-03-04 14:33"))

    assert (night.calendar, night.is_stale) == ("XNYS", False)
    assert (morning.is_stale, morning.stale_for_s) == (True, 60)


@pytest.mark.django_db(transaction=True)
def test_another_calendar_counts_at_once():
    symbol = make_symbol("TSLA")
    accept_minute(at("2026-03-03 20:59"), ticker="TSLA")

    mailbox.set_calendar(symbol, "24/7", by="olga", now=START)

    assert seen(symbol, at("2026-03-03 21:03")).stale_for_s == 60


@pytest.mark.django_db(transaction=True)
def test_a_feed_that_is_late_for_a_quarter_of_an_hour_holds_the_rule_for_it_until_the_next_bar():
    make_symbol("BTC/USD")
    accept_minute(START)
    allowed = START + 3 * MINUTE

    def found(now: datetime) -> list[str]:
        seen_now = [symbol_status.symbol_facts(one, {}) for one in status.overview(now).symbols]
        facts = Facts(now=now, limits=alert_limits(), symbols=tuple(seen_now))
        return [one.ticker for one in RULES["stale_symbol"].find(facts) or ()]

    held = [found(allowed + 15 * MINUTE), found(allowed + 16 * MINUTE)]
    accept_minute(allowed + 15 * MINUTE)
    held.append(found(allowed + 16 * MINUTE))

    assert held == [[], ["BTC/USD"], []]


@pytest.mark.django_db(transaction=True)
def test_stale_symbols_are_counted_but_not_those_that_are_disabled():
    for ticker in ("A/B", "C/D", "E/F"):
        make_symbol(ticker)
        accept_minute(START, ticker=ticker)
    accept_minute(START + 5 * MINUTE, ticker="A/B")
    mailbox.disable(Symbol.objects.get(ticker="E/F"), by="olga", now=START)

    whole = status.overview(START + 6 * MINUTE)

    assert {one.symbol: one.is_stale for one in whole.symbols} == {"A/B": False, "C/D": True, "E/F": True}
    assert whole.stale_symbols == 1


@pytest.mark.django_db(transaction=True)
def test_accepting_costs_the_same_number_of_queries_whether_or_not_a_bar_is_fresh():
    make_symbol("BTC/USD")
    accept_minute(START - 10 * MINUTE, accepted=START + 60 * MINUTE)
    counts = []

    for minute in range(3):
        with CaptureQueriesContext(connection) as queries:
            accept_minute(START + minute * MINUTE)
        counts.append(len(queries))

    assert len(set(counts)) == 1, counts
    assert row_of(Symbol.objects.get()).watched == ["1m"]
