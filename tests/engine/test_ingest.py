"""Validation, and the report of a batch."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanner_app.engine import ingest
from scanner_app.models import Bar, BarRevision, Symbol
from tests.conftest import T0, raw_bar, row_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        pytest.param({"open": 0}, "open", "above 0", id="a price of zero"),
        pytest.param({"close": -1}, "close", "above 0", id="a negative price"),
        pytest.param({"high": float("nan")}, "high", "finite", id="a price that is no number"),
        pytest.param({"high": float("inf")}, "high", "finite", id="an endless price"),
        pytest.param({"volume": -1}, "volume", "negative", id="a negative volume"),
        pytest.param({"volume": float("inf")}, "volume", "finite", id="an endless volume"),
        pytest.param({"volume": "much"}, "volume", "'much'", id="a word for a volume"),
        pytest.param({"volume": False}, "volume", "bool", id="a bool for a volume"),
        pytest.param({"open": True}, "open", "bool", id="a bool for a price"),
        pytest.param({"open": "ten"}, "open", "'ten'", id="a word for a price"),
        pytest.param({"low": 10.5}, "low", "above open", id="low above open"),
        pytest.param({"high": 10.5}, "high", "below open", id="high below close"),
        pytest.param({"timeframe": "7m"}, "timeframe", "'7m'", id="an unknown timeframe"),
        pytest.param({"timeframe": 60}, "timeframe", "60", id="a number for a timeframe"),
        pytest.param({"timestamp": "2024-01-01T00:00:00"}, "timestamp", "offset", id="a time without offset"),
        pytest.param({"timestamp": "yesterday"}, "timestamp", "ISO 8601", id="no time"),
        pytest.param({"timestamp": 1700000000}, "timestamp", "int", id="a number for a time"),
        pytest.param({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp", "range", id="before all times"),
        pytest.param({"symbol": "TÄSLA"}, "symbol", "ASCII", id="an umlaut in the ticker"),
        pytest.param({"symbol": 5}, "symbol", "int", id="a number for a ticker"),
    ],
)
def test_a_bad_bar_is_refused_by_field_and_the_good_ones_are_stored(change, field, says):
    report = ingest.accept([raw_bar(day=0), raw_bar(day=1, **change), raw_bar(day=2)], now=T0)

    assert report.accepted == 2
    (rejection,) = report.rejected
    assert (rejection.index, rejection.field, rejection.reason) == (1, field, "invalid")
    assert field in rejection.message
    assert says in rejection.message
    assert Bar.objects.count() == 2


@pytest.mark.parametrize("field", ["symbol", "timeframe", "timestamp", "open", "high", "low", "close"])
def test_a_missing_field_is_named(field):
    raw = raw_bar()
    del raw[field]

    (rejection,) = ingest.accept([raw], now=T0).rejected

    assert (rejection.field, rejection.message) == (field, f"{field} is missing")


@pytest.mark.parametrize("volume", [None, float("nan")], ids=repr)
def test_an_unknown_volume_is_accepted_and_the_same_bar_is_a_duplicate(volume):
    absent = raw_bar()
    del absent["volume"]

    first, again = ingest.accept([raw_bar(volume=volume)], now=T0), ingest.accept([absent], now=T0)

    assert (first.accepted, again.duplicates) == (1, 1)
    assert Bar.objects.get().volume is None


@pytest.mark.parametrize(("known", "sent"), [(None, 1000.0), (1000.0, None), (0.0, None)])
def test_unknown_is_another_value_than_any_number(known, sent):
    ingest.accept([raw_bar(volume=known)], now=T0)

    report = ingest.accept([raw_bar(volume=sent)], now=T0)

    assert (report.accepted, report.duplicates, len(report.conflicts)) == (0, 0, 1)


def test_other_peoples_names_of_a_timeframe_are_stored_as_ours():
    report = ingest.accept(
        [raw_bar(day=0, timeframe="Daily"), raw_bar(day=1, timeframe="60m"), raw_bar(day=1, timeframe="PT1H")], now=T0
    )

    assert (report.accepted, report.duplicates) == (2, 1)
    assert sorted(Bar.objects.values_list("timeframe", flat=True)) == ["1d", "1h"]


SIGNED: dict[str, Any] = {"open": -14.0, "high": 0.0, "low": -16.7, "close": -2.0}


@pytest.mark.parametrize("pattern", ["CL=F", "CL*", "*"])
def test_prices_at_and_below_zero_are_for_the_tickers_of_the_setting(settings, pattern):
    settings.SCANNER_SIGNED_PRICES = ["*-SPREAD", pattern]

    report = ingest.accept([raw_bar("cl=f", **SIGNED), raw_bar("A-SPREAD", low=0)], now=T0)

    assert (report.accepted, report.rejected) == (2, [])
    assert Bar.objects.get(symbol__ticker="CL=F").low == -16.7


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"open": 0}, "open"),
        ({"low": -1e-9}, "low"),
        ({"close": -1, "low": -2}, "low"),
        ({"high": 0, "open": -1, "low": -1, "close": -1}, "open"),
    ],
)
def test_elsewhere_they_are_refused_by_a_sentence_that_names_the_setting(settings, change, field):
    settings.SCANNER_SIGNED_PRICES = ["CL=F"]

    (rejection,) = ingest.accept([raw_bar("CL", **change)], now=T0).rejected

    assert (rejection.field, rejection.reason) == (field, "invalid")
    assert rejection.message.startswith(f"{field} must be above 0, not {float(change[field])}")
    assert "CL is not among the tickers of SCANNER_SIGNED_PRICES" in rejection.message


def test_signed_prices_must_enclose_each_other_too(settings):
    settings.SCANNER_SIGNED_PRICES = ["*"]

    (rejection,) = ingest.accept([raw_bar(**{**SIGNED, "low": -13.0})], now=T0).rejected

    assert (rejection.field, rejection.message) == ("low", "low -13.0 is above open -14.0 or close -2.0")


def test_the_dust_of_adjusted_prices_is_swept_and_the_same_bar_is_a_duplicate():
    dusty = raw_bar(open=10.1, high=10.1 * (1 - 1e-12), low=9.9 * (1 + 1e-12), close=9.9)

    first, again = ingest.accept([dusty], now=T0), ingest.accept([dusty], now=T0)

    assert (first.accepted, again.duplicates) == (1, 1)
    bar = Bar.objects.get()
    assert (bar.open, bar.high, bar.low, bar.close) == (10.1, 10.1, 9.9, 9.9)


@pytest.mark.parametrize("raw", [None, 5, "bar", []], ids=repr)
def test_what_is_no_object_is_refused(raw):
    (rejection,) = ingest.accept([raw], now=T0).rejected

    assert rejection.field == "bar"


@pytest.mark.parametrize(
    ("ahead", "rejected"),
    [
        pytest.param(timedelta(seconds=60), 0, id="a minute ahead is the feed's clock"),
        pytest.param(timedelta(seconds=60, microseconds=1), 1, id="more than a minute is an error"),
    ],
)
def test_bars_of_the_future(ahead, rejected):
    report = ingest.accept([raw_bar(timestamp=(T0 + ahead).isoformat(), closed=True)], now=T0)

    assert (report.accepted, len(report.rejected)) == (1 - rejected, rejected)


def test_times_of_other_zones_are_kept_as_utc():
    ingest.accept([raw_bar(timestamp="2024-01-01T09:30:00-05:00")], now=T0)

    assert Bar.objects.get().timestamp == datetime(2024, 1, 1, 14, 30, tzinfo=UTC)


def test_tickers_are_one_whatever_their_case():
    report = ingest.accept([raw_bar("tsla", 0), raw_bar("TSLA", 1)], now=T0)

    assert report.accepted == 2
    assert Symbol.objects.values_list("ticker", flat=True).get() == "TSLA"


def test_a_repeat_is_a_duplicate_and_other_values_are_a_conflict_that_changes_nothing():
    ingest.accept([raw_bar(day=0)], now=T0)

    report = ingest.accept([raw_bar(day=0), raw_bar(day=0, close=10.5)], now=T0)

    assert (report.accepted, report.duplicates) == (0, 1)
    (conflict,) = report.conflicts
    assert (conflict.index, conflict.symbol, conflict.timeframe) == (1, "TSLA", "1d")
    assert Bar.objects.get().close == 11


def test_the_first_of_two_equal_keys_of_one_call_wins():
    report = ingest.accept([raw_bar(day=0, close=10.5), raw_bar(day=0), raw_bar(day=0, close=10.5)], now=T0)

    assert (report.accepted, report.duplicates, [c.index for c in report.conflicts]) == (1, 1, [1])
    assert Bar.objects.get().close == 10.5


def test_bars_of_a_call_are_numbered_by_time_then_shorter_timeframe_then_index():
    hour = raw_bar(day=1, timeframe="1h")
    report = ingest.accept([raw_bar(day=2), raw_bar(day=1), hour, raw_bar(day=0)], now=T0)

    assert report.accepted == 4
    numbered = Bar.objects.order_by("sequence").values_list("sequence", "timestamp__day", "timeframe")
    assert list(numbered) == [(1, 1, "1d"), (2, 2, "1h"), (3, 2, "1d"), (4, 3, "1d")]


def test_sorting_comes_before_cutting_into_chunks(monkeypatch):
    monkeypatch.setattr(ingest, "CHUNK", 2)

    ingest.accept([raw_bar(day=day) for day in (4, 3, 2, 1, 0)], now=T0)

    assert list(Bar.objects.order_by("sequence").values_list("timestamp__day", flat=True)) == [1, 2, 3, 4, 5]


def test_late_bars_are_accepted_marked_and_put_at_the_end():
    ingest.accept([raw_bar(day=5)], now=T0)

    report = ingest.accept([raw_bar(day=3), raw_bar(day=5, timeframe="1h")], now=T0)

    assert report.accepted == 2
    rows = Bar.objects.order_by("sequence").values_list("sequence", "timeframe", "late")
    assert list(rows) == [(1, "1d", False), (2, "1d", True), (3, "1h", False)]


def test_unknown_symbols_can_be_refused(settings):
    ingest.accept([raw_bar("AAPL")], now=T0)
    settings.SCANNER_UNKNOWN_SYMBOLS = "reject"

    report = ingest.accept([raw_bar("TSLA"), raw_bar("AAPL", 1)], now=T0)

    assert report.accepted == 1
    assert [(r.index, r.reason) for r in report.rejected] == [(0, "unknown_symbol")]
    assert Symbol.objects.count() == 1


def test_symbols_are_capped(settings):
    settings.SCANNER_MAX_SYMBOLS = 2

    report = ingest.accept([raw_bar(ticker) for ticker in ("C", "A", "B")], now=T0)

    assert report.accepted == 2
    assert [(r.index, r.reason) for r in report.rejected] == [(0, "too_many_symbols")]
    assert list(Symbol.objects.values_list("ticker", flat=True)) == ["A", "B"]


def test_the_backlog_limit_is_each_symbols_own(settings):
    settings.SCANNER_MAX_BACKLOG = 2

    report = ingest.accept([*(raw_bar("TSLA", day) for day in range(3)), raw_bar("AAPL")], now=T0)

    assert report.accepted == 3
    assert [(r.index, r.reason, r.field) for r in report.rejected] == [(2, "backlog_full", "symbol")]
    assert row_of(Symbol.objects.get(ticker="TSLA")).backlog == 2


@pytest.mark.parametrize("count", [0, 5001])
def test_a_call_has_1_to_5000_bars(count):
    with pytest.raises(ValueError, match="1 to 5000"):
        ingest.accept([raw_bar()] * count, now=T0)


def test_a_chunk_costs_the_same_queries_whatever_its_size(django_assert_max_num_queries):
    tickers = [f"S{number}" for number in range(20)]
    ingest.accept([raw_bar(ticker) for ticker in tickers], now=T0)

    with django_assert_max_num_queries(10) as few:
        ingest.accept([raw_bar("S0", 1)], now=T0)
    with django_assert_max_num_queries(10) as many:
        ingest.accept([raw_bar(ticker, day) for ticker in tickers for day in range(2, 27)], now=T0)

    assert len(few) == len(many)


def test_of_equal_keys_of_one_call_the_first_is_not_revised_by_one_of_a_later_chunk():
    bars = [raw_bar(day=day) for day in range(500)] + [raw_bar(day=499, close=10.5), raw_bar(day=499, close=10.6)]

    report = ingest.accept(bars, now=T0 + timedelta(days=2_000), revising=True)

    assert (report.accepted, report.revised, len(report.conflicts)) == (500, 0, 2)


def test_the_sender_of_a_revision_may_have_a_long_name():
    ingest.accept([raw_bar()], now=T0)

    assert ingest.accept([raw_bar(close=10.5)], now=T0, revising=True, source="x" * 150).revised == 1

    assert BarRevision.objects.get().source == "x" * 128
