"""When a bar's period is over, by real calendars."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from scanner_app.domain import closing
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import Hours
from tests.calendars.conftest import real

CALENDARS = ["XNYS", "XHKG", "XTKS", "XASX", "CMES", "24/5", "24/7"]
"""Early closes, lunch breaks, sessions that begin on the day before, an hour's pause a day, a weekend's, and none."""

SECOND = timedelta(seconds=1)

calendars = st.sampled_from(CALENDARS)
timeframes = st.sampled_from(list(TIMEFRAMES))
below_a_day = st.sampled_from([one for one in TIMEFRAMES if one[-1] in "smh"])
laters = st.timedeltas(timedelta(0), timedelta(days=40))
moments = st.datetimes(datetime(2025, 1, 10), datetime(2026, 11, 1), timezones=st.just(UTC))  # noqa: DTZ001 - see there


def for_any(**values):
    """Try many of these. Without a deadline, since the first to need a calendar works it out."""
    return lambda test: settings(deadline=None)(given(**values)(test))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def end(calendar: str, timeframe: str, timestamp: str) -> datetime:
    return closing.period_end(timeframe, at(timestamp), real(calendar))


@pytest.mark.parametrize(
    ("calendar", "timeframe", "timestamp", "expected"),
    [
        pytest.param("XNYS", "1m", "2026-03-03 15:00", "2026-03-03 15:01", id="a minute"),
        pytest.param("XNYS", "1h", "2026-03-03 20:30", "2026-03-03 21:00", id="the close cuts an hour"),
        pytest.param("XNYS", "4h", "2025-11-28 14:30", "2025-11-28 18:00", id="an early close cuts four hours"),
        pytest.param("XNYS", "1h", "2026-03-03 13:00", "2026-03-03 14:00", id="an hour before the session"),
        pytest.param("XNYS", "1h", "2026-03-03 14:00", "2026-03-03 15:00", id="an hour that the session opens in"),
        pytest.param("XNYS", "1h", "2026-03-03 21:00", "2026-03-03 22:00", id="an hour after the session"),
        pytest.param("XNYS", "12h", "2026-03-03 12:00", "2026-03-03 21:00", id="half a day around the session"),
        pytest.param("XHKG", "1h", "2026-03-03 03:00", "2026-03-03 04:00", id="to the lunch break"),
        pytest.param("XHKG", "1h", "2026-03-03 03:30", "2026-03-03 04:00", id="lunch ends the hour that ends in it"),
        pytest.param("XHKG", "4h", "2026-03-03 01:30", "2026-03-03 05:30", id="four hours go on after lunch"),
        pytest.param("24/7", "4h", "2026-03-03 22:00", "2026-03-04 02:00", id="no midnight cuts where nothing closes"),
        pytest.param("24/5", "4h", "2026-03-06 22:00", "2026-03-07 00:00", id="the weekend does"),
        pytest.param("XNYS", "1d", "2025-11-28 00:00", "2025-11-28 18:00", id="a day with an early close"),
        pytest.param("XNYS", "1d", "2025-11-28 05:00", "2025-11-28 18:00", id="stamped with midnight in New York"),
        pytest.param("XNYS", "1d", "2025-11-28 14:30", "2025-11-28 18:00", id="stamped with its opening"),
        pytest.param("XNYS", "1d", "2025-11-28 17:59", "2025-11-28 18:00", id="stamped with its last trade"),
        pytest.param("XNYS", "1d", "2026-07-01 00:00", "2026-07-01 20:00", id="a day of summer"),
        pytest.param("XTKS", "1d", "2026-03-02 15:00", "2026-03-03 06:30", id="stamped with midnight in Tokyo"),
        pytest.param("24/7", "1d", "2026-03-03 00:00", "2026-03-04 00:00", id="a day where nothing closes"),
        pytest.param("24/7", "1d", "2026-03-03 06:00", "2026-03-04 06:00", id="the same in another zone"),
        pytest.param("24/7", "3d", "2026-03-03 00:00", "2026-03-06 00:00", id="three days"),
        pytest.param("XNYS", "3d", "2026-03-03 00:00", "2026-03-06 00:00", id="three days in New York"),
        pytest.param("XNYS", "1w", "2025-11-24 00:00", "2025-11-28 18:00", id="a week that ends with an early close"),
        pytest.param("XNYS", "1w", "2025-11-23 00:00", "2025-11-28 18:00", id="a week stamped with its Sunday"),
        pytest.param("XNYS", "1w", "2026-03-30 00:00", "2026-04-02 20:00", id="a week before Good Friday"),
        pytest.param("24/7", "1w", "2026-03-02 00:00", "2026-03-09 00:00", id="a week where nothing closes"),
        pytest.param("24/7", "1w", "2026-03-05 00:00", "2026-03-12 00:00", id="a week from Thursday, as Kraken has it"),
        pytest.param("XNYS", "1M", "2026-05-01 00:00", "2026-05-29 20:00", id="a month that ends with a weekend"),
        pytest.param("24/7", "1M", "2026-02-01 00:00", "2026-03-01 00:00", id="a short month"),
        pytest.param("24/7", "1M", "2026-01-01 00:00", "2026-02-01 00:00", id="a long month"),
    ],
)
def test_the_end_of_a_period(calendar, timeframe, timestamp, expected):
    assert end(calendar, timeframe, timestamp) == at(expected)


@pytest.mark.parametrize(
    ("timeframe", "length"), [("1h", timedelta(hours=1)), ("1d", timedelta(days=1)), ("1M", timedelta(days=31))]
)
def test_outside_of_the_known_sessions_a_period_has_its_nominal_length(timeframe, length):
    assert closing.period_end(timeframe, at("2031-05-01"), Hours([])) == at("2031-05-01") + length


@for_any(calendar=calendars, timeframe=timeframes, timestamp=moments)
@example(calendar="24/7", timeframe="1M", timestamp=at("2026-02-28 23:00"))
@example(calendar="XASX", timeframe="1M", timestamp=at("2026-01-31 13:00"))
def test_a_period_ends_after_its_stamp_and_never_after_what_holds_in_every_calendar(calendar, timeframe, timestamp):
    ended = closing.period_end(timeframe, timestamp, real(calendar))

    assert timestamp < ended <= closing.latest_end(timeframe, timestamp)


@for_any(calendar=calendars, timeframe=below_a_day, timestamp=moments)
def test_below_a_day_nothing_trades_between_the_end_and_the_nominal_end_of_the_session(calendar, timeframe, timestamp):
    hours = real(calendar)
    nominal = timestamp + TIMEFRAMES[timeframe]

    ended = closing.period_end(timeframe, timestamp, hours)

    rest = hours.traded_between(ended.timestamp(), nominal.timestamp())
    another_session = closing.period_end("1d", ended, hours) != closing.period_end("1d", timestamp, hours)
    assert rest == 0 or another_session


@for_any(calendar=st.sampled_from([one for one in CALENDARS if one[0] == "X"]), timestamp=moments)
def test_a_day_ends_when_its_session_does_and_has_all_of_its_trading_time(calendar, timestamp):
    hours = real(calendar)

    ended = closing.period_end("1d", timestamp, hours)
    assume(ended < closing.latest_end("1d", timestamp))  # else a stamp of the long holidays, which no day has

    second = SECOND.total_seconds()
    assert hours.traded_between(ended.timestamp() - second, ended.timestamp()) == second
    assert hours.traded_between(ended.timestamp(), ended.timestamp() + second) == 0
    assert closing.period_end("1d", ended - SECOND, hours) == ended


@for_any(timeframe=timeframes, timestamp=moments)
def test_where_nothing_closes_no_period_is_cut_short(timeframe, timestamp):
    shortest = closing.SHORTEST.get(timeframe, TIMEFRAMES[timeframe])

    assert closing.period_end(timeframe, timestamp, real("24/7")) >= timestamp + shortest


@for_any(calendar=calendars, timeframe=timeframes, timestamp=moments, later=laters)
def test_a_bar_is_closed_from_the_end_of_its_period_on(calendar, timeframe, timestamp, later):
    by = timestamp + later

    closed = closing.is_closed(timeframe, timestamp, None, hours=lambda: real(calendar), by=by)

    assert closed == (closing.period_end(timeframe, timestamp, real(calendar)) <= by)


@pytest.mark.parametrize("said", [True, False])
@for_any(timeframe=timeframes, timestamp=moments, by=moments)
def test_what_the_sender_says_decides_whatever_the_calendar(said, timeframe, timestamp, by):
    assert closing.is_closed(timeframe, timestamp, said, hours=no_calendar, by=by) is said
    assert closing.is_surely_closed(timeframe, timestamp, said, by=by) is said


def no_calendar() -> Hours:
    raise AssertionError("a calendar was loaded")


@pytest.mark.parametrize(
    ("timeframe", "age", "closed"),
    [
        pytest.param("1m", timedelta(minutes=1), True, id="a minute that is over without a cut"),
        pytest.param("1d", timedelta(days=4), True, id="a day and a long weekend ago"),
        pytest.param("1M", timedelta(days=33), True, id="last month"),
        pytest.param("1d", timedelta(0), False, id="a bar that opens now"),
        pytest.param("1m", -timedelta(minutes=1), False, id="a bar that has not begun"),
    ],
)
def test_no_calendar_is_loaded_where_all_agree(timeframe, age, closed):
    by = at("2026-03-03 15:00")

    assert closing.is_closed(timeframe, by - age, None, hours=no_calendar, by=by) is closed
