"""Bars whose timestamp can open no bar of their timeframe are rejected; for the others nothing is looked up."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app.engine import ingest, off_grid
from scanner_app.models import Bar, Symbol
from tests.calendars.conftest import hong_kong, new_york  # noqa: F401 - fixtures
from tests.conftest import T0, make_symbol, raw_bar

pytestmark = pytest.mark.django_db

SEVENTEEN = "2024-01-02T15:09:17Z"


@pytest.fixture
def loaded(monkeypatch, new_york, hong_kong):  # noqa: F811
    """The calendars that were loaded."""
    names: list[str] = []

    def hours_of(calendar, _now):
        names.append(calendar)
        return {"XNYS": new_york, "XHKG": hong_kong}[calendar]

    monkeypatch.setattr(off_grid, "hours_of", hours_of)
    return names


def minute(time, ticker="TSLA", timeframe="1m"):
    return raw_bar(ticker, timeframe=timeframe, timestamp=time)


def accept(*bars):
    return ingest.accept(bars, now=T0.replace(year=2026, month=12))


def test_a_time_off_the_grid_is_rejected_with_the_nearest_times_and_makes_no_symbol(loaded):
    report = accept(minute(SEVENTEEN))

    (rejection,) = report.rejected
    assert (report.accepted, rejection.index, rejection.field, rejection.reason) == (0, 0, "timestamp", "off_grid")
    assert rejection.message == (
        "timestamp 2024-01-02T15:09:17+00:00 is no opening of a 1m bar of TSLA (calendar XNYS); "
        "the nearest ones are 2024-01-02T15:09:00+00:00 and 2024-01-02T15:10:00+00:00"
    )
    assert not Symbol.objects.exists()


def test_the_good_bars_of_the_call_are_accepted(loaded):
    report = accept(minute("2026-03-03T15:09Z"), minute("2026-03-03T15:10:30Z"), minute("2026-03-03T15:11Z"))

    assert (report.accepted, [one.index for one in report.rejected]) == (2, [1])


def test_a_session_that_begins_off_the_hour_is_a_grid_too(loaded):
    hours = [minute(f"2026-03-03T{time}:00Z", timeframe="1h") for time in ("14:30", "15:30", "15:45", "16:00")]

    report = accept(*hours)

    assert [one.index for one in report.rejected] == [2]
    assert loaded == ["XNYS"], "once for a symbol"


def test_the_symbols_own_calendar_counts(loaded):
    make_symbol("TSLA")
    Symbol.objects.update(calendar="XHKG")

    times = ("01:30", "05:00", "05:30", "05:45")
    report = accept(*(minute(f"2026-03-03T{time}:00Z", timeframe="1h") for time in times))

    assert [one.index for one in report.rejected] == [3], "5:30 is four hours after the opening"
    assert "calendar XHKG" in report.rejected[0].message


@pytest.mark.parametrize(
    ("timeframe", "time"),
    [
        pytest.param("1m", "2026-03-03T15:09:00Z", id="a minute"),
        pytest.param("4h", "2026-03-03T09:00:00Z", id="four hours of the exchange's clock"),
        pytest.param("1d", "2026-03-03T15:09:17Z", id="a day, however it is stamped"),
        pytest.param("1w", "2026-03-03T15:09:17Z", id="a week"),
        pytest.param("1s", "2026-03-03T15:09:17Z", id="a second"),
    ],
)
def test_what_the_clocks_can_tell_needs_no_calendar(loaded, timeframe, time):
    assert accept(minute(time, timeframe=timeframe)).accepted == 1
    assert loaded == []


def test_bars_on_the_clock_of_utc_cost_no_query():
    accept(minute("2026-03-03T15:00Z"))
    counts = []
    for timeframe in ("1d", "1m"):
        with CaptureQueriesContext(connection) as queries:
            accept(*(minute(f"2026-03-04T15:{number:02}:00Z", timeframe=timeframe) for number in range(50)))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_fraction_of_a_second_is_off_every_grid(loaded):
    report = accept(minute("2026-03-03T15:09:17.5Z", timeframe="1s"))

    assert [one.reason for one in report.rejected] == ["off_grid"]
    assert "15:09:17+00:00 and 2026-03-03T15:09:18+00:00" in report.rejected[0].message


@pytest.mark.parametrize("calendar", ["XNYS", "XHKG"])
def test_the_first_second_of_all_times_is_judged_too(loaded, calendar):
    make_symbol("TSLA")
    Symbol.objects.update(calendar=calendar)

    report = accept(minute("0001-01-01T00:00:30Z"), minute("0001-01-01T00:00:00Z"))

    assert [(one.index, one.reason) for one in report.rejected] == [(0, "off_grid")]


def test_a_market_that_never_closes_has_the_clock_of_utc(settings):
    settings.SCANNER_CALENDARS = []

    report = accept(minute("2026-03-03T15:00Z", timeframe="4h"), minute("2026-03-03T16:00Z", timeframe="4h"))

    assert [one.index for one in report.rejected] == [0]
    assert Bar.objects.get().timestamp.hour == 16
