"""Forming bars: found among those that come, kept, shown, and gone when the closed one is there."""

from datetime import UTC, datetime, timedelta

import pytest
import redis

from scanner_app import mailbox
from scanner_app.engine import assuming, forming, ingest
from scanner_app.messaging import forming as broker
from scanner_app.models import Bar, FormingBar, Symbol
from tests.conftest import new_bar, raw_bar, row_of

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
OPENS = datetime(2026, 3, 3, 15, tzinfo=UTC)  # an hour of a Tuesday
NOW = OPENS + timedelta(minutes=20)
AFTER = OPENS + HOUR + timedelta(seconds=1)
GRACE_OVER = OPENS + HOUR + timedelta(seconds=60)


def hour(hours: int = 0, **values):
    return raw_bar("BTC-USD", timeframe="1h", timestamp=(OPENS + hours * HOUR).isoformat(), **values)


def shown(now: datetime = NOW) -> list[tuple[str, datetime, float]]:
    symbol = Symbol.objects.get(ticker="BTC-USD")
    return [(one.timeframe, one.timestamp, one.close) for one in forming.of_symbol(symbol, now)]


def closed() -> list[tuple[datetime, float, bool]]:
    return list(Bar.objects.order_by("sequence").values_list("timestamp", "close", "assumed"))


@pytest.fixture(params=["the broker answers", "the broker is away"])
def either(request):
    """Each test runs twice: it must not matter whether the broker is there."""
    if request.param == "the broker answers":
        return request.getfixturevalue("broker_server")
    return None


def test_a_bar_whose_period_is_not_over_is_shown_and_not_numbered(either):
    report = ingest.accept([hour(-2), hour(-1), hour(close=11.5)], now=NOW)

    assert (report.accepted, report.forming, report.rejected) == (2, 1, [])
    assert [timestamp for timestamp, _, _ in closed()] == [OPENS - 2 * HOUR, OPENS - HOUR]
    assert shown() == [("1h", OPENS, 11.5)]
    assert row_of(Symbol.objects.get()).last_sequence == 2


def test_the_newest_values_are_shown(either):
    for minute, close in enumerate((10.0, 10.5, 9.5)):
        ingest.accept([hour(close=close)], now=NOW + timedelta(minutes=minute))

    assert shown() == [("1h", OPENS, 9.5)]
    assert FormingBar.objects.count() == 1


def test_of_two_values_in_one_call_the_last_are_shown(either):
    report = ingest.accept([hour(close=10.5), hour(close=9.5)], now=NOW)

    assert report.forming == 2
    assert shown() == [("1h", OPENS, 9.5)]


def test_it_is_gone_when_the_closed_one_is_accepted(either):
    ingest.accept([hour(close=10.5)], now=NOW)

    report = ingest.accept([hour(close=11.0)], now=AFTER)

    assert (report.accepted, report.forming, report.conflicts) == (1, 0, [])
    assert closed() == [(OPENS, 11.0, False)]
    assert shown(AFTER) == []


def test_what_is_not_newer_than_the_newest_closed_bar_is_ignored(either):
    ingest.accept([hour(closed=True)], now=NOW)

    report = ingest.accept([hour(close=10.5), hour(-1, closed=False)], now=NOW)

    assert (report.forming, report.conflicts) == (2, [])
    assert FormingBar.objects.count() == 0


def test_a_forming_bar_of_a_call_is_judged_after_the_closed_ones_of_the_same_call(either):
    ingest.accept([hour(-1, closed=False), hour(closed=True)], now=NOW)

    assert shown() == []
    assert FormingBar.objects.count() == 0


@pytest.mark.parametrize(
    ("said", "now", "accepted"),
    [
        pytest.param(True, NOW, 1, id="an early close"),
        pytest.param(False, AFTER, 0, id="a bar that goes on"),
        pytest.param(None, NOW, 0, id="nothing, before the end"),
        pytest.param(None, AFTER, 1, id="nothing, after the end"),
        pytest.param(None, OPENS + HOUR - timedelta(seconds=2), 1, id="the tolerance"),
        pytest.param(None, OPENS + HOUR - timedelta(seconds=2, microseconds=1), 0, id="more than the tolerance"),
    ],
)
def test_what_the_sender_says_decides_and_without_it_the_end(said, now, accepted):
    report = ingest.accept([hour(closed=said)], now=now)

    assert (report.accepted, report.forming) == (accepted, 1 - accepted)


@pytest.mark.parametrize("value", ["true", 1, 0, "no", []])
def test_closed_must_be_true_or_false(value):
    (rejection,) = ingest.accept([hour(closed=value)], now=NOW).rejected

    assert (rejection.field, rejection.reason) == ("closed", "invalid")
    assert rejection.message == f"closed must be true or false, not {value!r}"


def test_a_day_is_over_with_the_early_close_of_its_symbols_own_calendar(settings):
    day = raw_bar("AAPL", timestamp="2025-11-28T00:00:00+00:00")  # the day after Thanksgiving, to 18:00 UTC
    early, before = datetime(2025, 11, 28, 18, tzinfo=UTC), datetime(2025, 11, 28, 17, 59, tzinfo=UTC)

    assert ingest.accept([day], now=before).forming == 1
    assert ingest.accept([day], now=early).accepted == 1
    ingest.accept([raw_bar("TSLA", timestamp="2025-11-20T00:00:00+00:00")], now=before)
    Symbol.objects.filter(ticker="TSLA").update(calendar="24/7")
    assert ingest.accept([day | {"symbol": "TSLA"}], now=early).forming == 1


def test_history_costs_no_query_and_no_calendar(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(forming, "hours_of", None)
    bars = [(day, new_bar(day=day)) for day in range(3)]

    with django_assert_num_queries(0):
        closed, forming_ones = forming.split(bars, now=NOW)
        assert forming.keep([], now=NOW) == []

    assert (closed, forming_ones) == (bars, [])


def test_forming_bars_make_a_symbol_known_unless_the_settings_forbid_it(settings):
    ingest.accept([hour()], now=NOW)
    settings.SCANNER_UNKNOWN_SYMBOLS = "reject"

    report = ingest.accept([raw_bar("OTHER", timeframe="1h", timestamp=OPENS.isoformat())], now=NOW)

    assert Symbol.objects.get().ticker == "BTC-USD"
    assert (report.forming, [one.reason for one in report.rejected]) == (0, ["unknown_symbol"])


def test_forming_bars_of_a_deleted_symbol_are_refused():
    ingest.accept([hour()], now=NOW)
    Symbol.objects.update(deleted_at=NOW, enabled=False)

    report = ingest.accept([hour()], now=NOW)

    assert (report.forming, [one.reason for one in report.rejected]) == (0, ["deleted"])


def test_forming_bars_of_a_symbol_are_bounded_and_no_more_is_promised(monkeypatch, either):
    monkeypatch.setattr(forming, "MOST", 2)
    ingest.accept([hour(), hour(close=10.5)], now=NOW)

    report = ingest.accept(
        [hour(), raw_bar("BTC-USD", timestamp="2026-03-03T00:00:00Z"), hour(-1, closed=False)], now=NOW
    )

    assert (report.forming, [one.reason for one in report.rejected]) == (2, ["backlog_full"])
    assert FormingBar.objects.count() == 2


def test_a_day_that_its_vendor_stamps_with_the_last_trade_is_one_forming_bar(either):
    for minute in ("15:00", "15:01", "15:02"):
        ingest.accept([raw_bar("AAPL", timestamp=f"2026-03-03T{minute}:00Z")], now=NOW)

    assert FormingBar.objects.count() == 1


# --- With a broker, and without


def test_ticks_go_to_the_broker_and_the_database_follows_within_ten_seconds(broker_server):
    ingest.accept([hour(close=10.0)], now=NOW)
    ingest.accept([hour(close=10.5)], now=NOW + timedelta(seconds=1))
    assert FormingBar.objects.get().close == 10.0

    assert assuming.run(NOW + timedelta(seconds=9))["stored"] == 0
    assert assuming.run(NOW + timedelta(seconds=10))["stored"] == 1

    assert FormingBar.objects.get().close == 10.5
    assert assuming.run(NOW + timedelta(seconds=20))["stored"] == 0, "there is nothing newer"


def test_a_broker_that_was_emptied_costs_what_came_since_the_database_knew(broker_server):
    ingest.accept([hour(close=10.0)], now=NOW)
    ingest.accept([hour(close=10.5)], now=NOW + timedelta(seconds=1))
    broker_server.flushall()

    assert shown() == [("1h", OPENS, 10.0)]
    ingest.accept([hour(close=9.5)], now=NOW + timedelta(seconds=2))
    assert FormingBar.objects.get().close == 9.5, "values that the broker does not know go to the database"
    assert shown() == [("1h", OPENS, 9.5)]


def test_what_comes_while_the_broker_is_away_is_not_replaced_by_what_it_knew(broker_server, settings, monkeypatch):
    there = settings.REDIS_URL
    ingest.accept([hour(close=10.0)], now=NOW)
    ingest.accept([hour(close=10.5)], now=NOW + timedelta(seconds=1))
    settings.REDIS_URL = "unix:///nowhere"
    assert ingest.accept([hour(close=9.5)], now=NOW + timedelta(seconds=2)).forming == 1

    settings.REDIS_URL = there
    monkeypatch.setattr(broker, "_paused_until", 0.0)

    assert shown() == [("1h", OPENS, 9.5)]


def test_a_broker_that_fails_between_reading_and_writing_loses_nothing(broker_server, monkeypatch):
    ingest.accept([hour(close=10.0)], now=NOW)

    def fails(values):
        raise redis.TimeoutError

    monkeypatch.setattr(broker, "write", fails)
    ingest.accept([hour(close=10.5)], now=NOW + timedelta(seconds=1))

    assert FormingBar.objects.get().close == 10.5


def test_a_broker_that_is_away_is_asked_once_in_a_while(monkeypatch):
    asked = []

    def away(*_):
        asked.append(1)
        raise redis.ConnectionError

    monkeypatch.setattr(broker, "client", away)
    for second in range(5):
        ingest.accept([hour(close=10.0)], now=NOW + timedelta(seconds=second))

    assert len(asked) == 1


# --- Assumed bars


def test_after_its_grace_a_bar_is_accepted_as_assumed(broker_server):
    ingest.accept([hour(-1), hour(close=10.5)], now=NOW)

    assert assuming.run(GRACE_OVER - timedelta(seconds=1))["assumed"] == 0
    assert assuming.run(GRACE_OVER)["assumed"] == 1

    assert closed() == [(OPENS - HOUR, 11.0, False), (OPENS, 10.5, True)]
    assert Bar.objects.get(assumed=True).accepted_at == GRACE_OVER
    assert shown(GRACE_OVER) == []
    assert FormingBar.objects.count() == 0
    assert broker_server.keys(f"{broker.KEY}*") == []


def test_the_newest_values_are_assumed_and_not_those_of_the_database(broker_server):
    ingest.accept([hour(close=10.0)], now=NOW)
    ingest.accept([hour(close=10.5)], now=NOW + timedelta(seconds=1))

    assuming.run(GRACE_OVER)

    assert closed() == [(OPENS, 10.5, True)]


def test_while_the_broker_is_away_nothing_is_assumed(settings):
    ingest.accept([hour()], now=NOW)

    with pytest.raises(redis.RedisError):
        assuming.run(GRACE_OVER)

    assert closed() == []
    assert FormingBar.objects.count() == 1


@pytest.mark.parametrize("status", ["waiting", "processed", "quarantined", "discarded"])
def test_a_closed_bar_is_never_replaced_by_what_was_forming(broker_server, status):
    ingest.accept([hour(close=10.5)], now=NOW)
    ingest.accept([hour(close=11.0)], now=AFTER)
    Bar.objects.update(status=status)

    counts = assuming.run(GRACE_OVER)

    assert (counts["assumed"], counts["known"]) == (0, 1)
    assert closed() == [(OPENS, 11.0, False)]
    assert Bar.objects.get().status == status
    assert FormingBar.objects.count() == 0


def test_a_bar_that_nobody_closed_is_accepted_although_the_next_was_closed(broker_server):
    ingest.accept([hour(close=10.5)], now=NOW)
    ingest.accept([hour(1)], now=GRACE_OVER + HOUR)

    assuming.run(GRACE_OVER + HOUR)

    assert closed() == [(OPENS + HOUR, 11.0, False), (OPENS, 10.5, True)]
    assert Bar.objects.get(assumed=True).late


def test_a_closed_bar_of_the_same_day_under_another_stamp_leaves_nothing_to_assume(broker_server):
    ingest.accept([raw_bar("AAPL", timestamp="2026-03-03T20:19:59Z")], now=NOW + 5 * HOUR)
    over = datetime(2026, 3, 3, 21, 5, tzinfo=UTC)
    ingest.accept([raw_bar("AAPL", timestamp="2026-03-03T00:00:00Z")], now=over)

    assert forming.of_symbol(Symbol.objects.get(), over) == []
    assert assuming.run(over)["known"] == 1
    assert Bar.objects.count() == 1


def test_a_closed_bar_of_an_older_day_under_another_stamp_leaves_nothing_to_assume_either(broker_server):
    """Nobody ran this for a day and more: the day's closed bar has come, and the next day's too."""
    traded, day = datetime(2026, 3, 3, 15, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    ingest.accept([raw_bar(timeframe="1d", timestamp=traded.isoformat())], now=traded + HOUR)
    later = day + timedelta(days=2, hours=2)
    for one in (day, day + timedelta(days=1)):
        ingest.accept([raw_bar(timeframe="1d", timestamp=one.isoformat(), closed=True)], now=later)

    counts = assuming.run(later)

    assert (counts["assumed"], counts["known"]) == (0, 1)
    assert [timestamp for timestamp, *_ in closed()] == [day, day + timedelta(days=1)]
    assert not FormingBar.objects.exists()


def test_a_day_that_nobody_closed_is_assumed_once_although_the_next_one_is_closed(broker_server):
    traded = datetime(2026, 3, 3, 15, tzinfo=UTC)
    later = datetime(2026, 3, 5, 2, tzinfo=UTC)
    ingest.accept([raw_bar(timeframe="1d", timestamp=traded.isoformat())], now=traded + HOUR)
    ingest.accept([raw_bar(timeframe="1d", timestamp="2026-03-04T00:00:00Z", closed=True)], now=later)

    assert assuming.run(later)["assumed"] == 1
    assert assuming.run(later)["assumed"] == 0
    assert Bar.objects.count() == 2


def test_one_day_that_is_kept_twice_after_a_change_of_calendar_is_assumed_once(broker_server):
    first, later = NOW, NOW + timedelta(minutes=30)
    ingest.accept([raw_bar("SAP", timestamp=first.isoformat(), close=10.5)], now=first)
    Symbol.objects.update(calendar="XETR")
    ingest.accept([raw_bar("SAP", timestamp=later.isoformat(), close=11.5)], now=later)
    assert FormingBar.objects.count() == 2

    assuming.run(NOW + timedelta(days=2))

    assert closed() == [(later, 11.5, True)]
    assert not FormingBar.objects.exists()


def test_newer_values_that_were_written_meanwhile_are_not_replaced(broker_server, monkeypatch):
    ingest.accept([hour(close=10.0)], now=NOW)
    ingest.accept([hour(close=10.5)], now=NOW + timedelta(seconds=1))
    real = forming.kept

    def kept(*args, **options):
        found = real(*args, **options)
        FormingBar.objects.update(close=11.5, sent_at=NOW + timedelta(seconds=5))  # the broker was away for that one
        return found

    monkeypatch.setattr(forming, "kept", kept)
    assuming.run(NOW + timedelta(seconds=20))

    assert FormingBar.objects.get().close == 11.5


def test_a_calendar_that_is_set_right_counts_for_bars_that_form_already(broker_server):
    xetra = datetime(2026, 3, 3, 16, 30, tzinfo=UTC)  # its close; New York's is at 21:00
    day = raw_bar("SAP", timestamp="2026-03-03T00:00:00Z")
    ingest.accept([day | {"close": 10.5}], now=NOW)
    Symbol.objects.update(calendar="XETR")
    ingest.accept([day | {"close": 11.5}], now=NOW + timedelta(seconds=1))
    symbol = Symbol.objects.get()
    assert [(one.close, one.ends_at) for one in forming.of_symbol(symbol, NOW)] == [(11.5, xetra)]

    assert assuming.run(xetra + timedelta(seconds=59))["assumed"] == 0
    counts = assuming.run(xetra + timedelta(seconds=60))

    assert (counts["assumed"], counts["known"]) == (1, 1)
    assert Bar.objects.get().close == 11.5


def test_a_full_backlog_lets_it_wait(broker_server, settings):
    ingest.accept([hour(-1), hour()], now=NOW)
    settings.SCANNER_MAX_BACKLOG = 1

    assert assuming.run(GRACE_OVER)["waiting"] == 1
    settings.SCANNER_MAX_BACKLOG = 2
    assert assuming.run(GRACE_OVER)["assumed"] == 1


def test_bars_are_assumed_in_order_of_time_then_shorter_timeframe_and_in_chunks(broker_server, monkeypatch):
    monkeypatch.setattr(assuming, "CHUNK", 2)
    half = hour() | {"timeframe": "30m", "timestamp": (OPENS + HOUR / 2).isoformat()}
    noon = hour(-3, closed=False)
    ingest.accept([noon | {"timeframe": "4h"}, half, noon | {"timeframe": "2h"}], now=NOW + HOUR / 2)

    assert assuming.run(NOW + 12 * HOUR)["assumed"] == 3

    assert list(Bar.objects.order_by("sequence").values_list("timeframe", flat=True)) == ["2h", "4h", "30m"]


def test_forming_bars_of_a_symbol_that_is_being_deleted_are_forgotten(broker_server):
    ingest.accept([hour()], now=NOW)
    Symbol.objects.update(deleted_at=NOW, enabled=False)

    assuming.run(GRACE_OVER)

    assert closed() == []
    assert FormingBar.objects.count() == 0


def test_an_unfinished_hour_is_not_final_and_its_last_values_are(broker_server):
    history = [hour(-age) for age in range(30, 0, -1)]
    unfinished = hour(open=10.0, high=10.1, low=9.7, close=10.01, volume=3)

    first = ingest.accept([*history, unfinished], now=NOW)
    second = ingest.accept([unfinished | {"high": 10.4, "close": 10.35, "volume": 140}], now=NOW + HOUR / 2)
    assuming.run(GRACE_OVER)

    assert (first.accepted, first.forming) == (30, 1)
    assert (second.forming, second.conflicts) == (1, [])
    assert closed()[-1] == (OPENS, 10.35, True)


def test_the_forming_bars_of_a_symbol_are_removed_with_it(broker_server):
    ingest.accept([hour()], now=NOW)
    symbol = Symbol.objects.get()

    mailbox.delete(symbol, by="olga", now=NOW)
    while mailbox.remove_rows(symbol.pk):
        pass

    assert not Symbol.objects.exists()
    assert not FormingBar.objects.exists()


def test_a_closed_bar_that_comes_after_an_assumed_one_revises_it(broker_server):
    ingest.accept([hour(close=10.5)], now=NOW)
    assuming.run(GRACE_OVER)

    report = ingest.accept([hour(close=11.0)], now=GRACE_OVER + HOUR)

    assert (report.revised, report.conflicts) == (1, [])
    assert closed() == [(OPENS, 11.0, False)]


def test_bars_of_a_full_symbol_take_no_others_place(broker_server, settings, monkeypatch):
    monkeypatch.setattr(assuming, "CHUNK", 2)
    monkeypatch.setattr(assuming, "MOST_AT_ONCE", 2)
    ingest.accept([hour(-20)], now=NOW)
    for hours in range(-4, 0):
        ingest.accept([hour(hours, closed=False)], now=NOW)
    ingest.accept([hour() | {"symbol": "ETH-USD"}], now=NOW)
    settings.SCANNER_MAX_BACKLOG = 1

    counts = assuming.run(GRACE_OVER)

    assert (counts["assumed"], counts["waiting"]) == (1, 4)
    assert Bar.objects.get(assumed=True).symbol.ticker == "ETH-USD"
