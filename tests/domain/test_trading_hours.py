"""Trading time and missing bars, by real calendars."""

from datetime import UTC, datetime

import pytest

from scanner_app.domain.trading_hours import Hours

H = 3600


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def traded(hours: Hours, start: str, end: str) -> float:
    return hours.traded_between(at(start).timestamp(), at(end).timestamp())


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        pytest.param("2026-03-03 14:30", "2026-03-03 21:00", 6.5, id="a whole session"),
        pytest.param("2026-03-03 12:00", "2026-03-03 15:30", 1, id="from before the open"),
        pytest.param("2026-03-03 20:00", "2026-03-04 03:00", 1, id="to after the close"),
        pytest.param("2026-03-06 20:30", "2026-03-09 14:00", 1, id="over a weekend, after which summer time has begun"),
        pytest.param("2026-03-07 00:00", "2026-03-08 23:00", 0, id="a weekend"),
        pytest.param("2025-12-24 14:30", "2025-12-26 14:30", 3.5, id="Christmas: an early close, then a holiday"),
        pytest.param("2025-10-31 19:30", "2025-11-03 15:00", 1, id="over the end of summer time"),
        pytest.param("2026-03-03 16:00", "2026-03-03 15:00", 0, id="backwards"),
        pytest.param("2024-06-01 00:00", "2025-01-02 15:30", 1, id="from before the sessions that are known"),
        pytest.param("2026-12-31 20:00", "2027-06-01 00:00", 1, id="to after the sessions that are known"),
    ],
)
def test_time_passes_only_while_the_market_trades(new_york, start, end, hours):
    assert traded(new_york, start, end) == hours * H


def test_a_lunch_break_is_no_trading_time(hong_kong):
    assert traded(hong_kong, "2026-03-03 03:30", "2026-03-03 05:30") == 1 * H


def test_a_market_that_never_closes_has_all_the_time_there_is(always):
    assert traded(always, "2026-03-06 20:00", "2026-03-08 21:30") == 49.5 * H


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-03 14:29", "2026-03-03 14:30", 0),
        ("2026-03-03 14:30", "2026-03-03 14:31", 60),
        ("2026-03-03 20:59", "2026-03-03 21:00", 60),
        ("2026-03-03 21:00", "2026-03-03 21:01", 0),
    ],
)
def test_trading_time_begins_with_the_opening_and_ends_with_the_close(new_york, start, end, expected):
    assert traded(new_york, start, end) == expected


@pytest.mark.parametrize(
    "timestamp",
    [
        pytest.param("2025-11-26 00:00", id="midnight UTC"),
        pytest.param("2025-11-26 05:00", id="midnight in New York"),
        pytest.param("2025-11-26 14:30", id="the opening"),
    ],
)
def test_a_daily_bar_ends_with_its_session_however_it_is_stamped(new_york, timestamp):
    due = new_york.due_after("1d", at(timestamp))

    assert due.end == at("2025-11-26 21:00").timestamp()
    assert due.next_s == 3.5 * H, "after Thanksgiving, with an early close"


@pytest.mark.parametrize(
    ("timeframe", "timestamp", "end", "next_h"),
    [
        pytest.param("1m", "2026-03-06 20:59", "2026-03-06 21:00", 1 / 60, id="the last minute of a week"),
        pytest.param("4h", "2026-03-03 18:30", "2026-03-03 22:30", 4, id="four hours, cut short by the close"),
        pytest.param("4h", "2026-03-03 14:30", "2026-03-03 18:30", 2.5, id="the rest of a session after four hours"),
        pytest.param("1h", "2026-03-03 19:57", "2026-03-03 20:57", 1.05, id="a rest too short for a bar"),
        pytest.param("12h", "2026-03-03 14:30", "2026-03-04 02:30", 6.5, id="longer than a session"),
        pytest.param("6h", "2025-11-26 14:30", "2025-11-26 20:30", 0.5 + 3.5, id="six hours, and an early close next"),
        pytest.param("3d", "2026-03-05 00:00", "2026-03-09 20:00", 3 * 6.5, id="three sessions over a weekend"),
        pytest.param("1w", "2025-12-22 00:00", "2025-12-26 21:00", 4 * 6.5, id="a week, the next has New Year's Day"),
        pytest.param(
            "1M", "2025-11-01 00:00", "2025-11-28 18:00", 21 * 6.5 + 3.5, id="a month, ended by an early close"
        ),
    ],
)
def test_what_may_be_expected_after_a_bar(new_york, timeframe, timestamp, end, next_h):
    due = new_york.due_after(timeframe, at(timestamp))

    assert (due.end, due.next_s) == (at(end).timestamp(), next_h * H)


def test_nothing_is_expected_after_the_last_session_that_is_known(new_york):
    assert new_york.due_after("1d", at("2026-12-31 00:00")) is None
    assert Hours([]).due_after("1w", at("2026-03-03 00:00")) is None


@pytest.mark.parametrize(
    ("timeframe", "earlier", "later", "missing"),
    [
        pytest.param("1m", "2026-03-03 15:00", "2026-03-03 15:01", 0, id="the next minute"),
        pytest.param("1m", "2026-03-03 15:00", "2026-03-03 15:04", 3, id="three minutes"),
        pytest.param("1m", "2026-03-06 20:59", "2026-03-09 13:30", 0, id="a weekend"),
        pytest.param("1m", "2026-03-06 20:57", "2026-03-09 13:32", 4, id="two minutes on either side of a weekend"),
        pytest.param("1h", "2026-03-03 20:30", "2026-03-04 14:30", 0, id="the half hour that a session ends with"),
        pytest.param("1h", "2026-03-03 20:00", "2026-03-04 14:00", 0, id="the half hour that a session begins with"),
        pytest.param("1h", "2026-03-03 20:30", "2026-03-05 14:30", 7, id="a session of six and a half hours"),
        pytest.param("4h", "2026-03-03 18:30", "2026-03-05 14:30", 2, id="a session of four and two and a half hours"),
        pytest.param("1d", "2026-03-06 00:00", "2026-03-09 00:00", 0, id="Friday and Monday"),
        pytest.param("1d", "2025-11-26 00:00", "2025-12-01 00:00", 1, id="the Friday after Thanksgiving"),
        pytest.param("1d", "2025-11-26 05:00", "2025-12-01 14:30", 1, id="the same in other stamps"),
        pytest.param("8h", "2026-03-03 14:30", "2026-03-05 14:30", 1, id="one bar a session, cut short"),
        pytest.param("12h", "2026-03-03 12:00", "2026-03-04 12:00", 0, id="the day's one bar of twelve hours"),
        pytest.param("3h", "2026-03-03 14:30", "2026-03-04 14:30", 2, id="the second and the third of a session"),
        pytest.param("10m", "2026-03-03 15:00", "2026-03-03 15:30", 2, id="ten minutes"),
        pytest.param("3d", "2026-03-02 00:00", "2026-03-05 00:00", 0, id="three sessions"),
        pytest.param("3d", "2026-03-05 00:00", "2026-03-10 00:00", 0, id="three sessions over a weekend"),
        pytest.param("3d", "2026-03-02 00:00", "2026-03-10 00:00", 1, id="six sessions"),
        pytest.param("3d", "2026-03-02 00:00", "2026-03-06 00:00", 0, id="counted from another day since"),
        pytest.param("1w", "2026-03-02 00:00", "2026-03-16 00:00", 1, id="a week"),
        pytest.param("1M", "2026-01-01 00:00", "2026-04-01 00:00", 2, id="two months"),
        pytest.param(
            "1M", "2026-01-31 00:00", "2026-02-28 00:00", 0, id="month's ends on weekends are the next month's"
        ),
        pytest.param("1m", "2026-03-03 15:00", "2026-03-03 15:00", 0, id="the same bar"),
    ],
)
def test_bars_are_missing_only_where_the_market_traded(new_york, timeframe, earlier, later, missing):
    assert new_york.missing_between(timeframe, at(earlier), at(later)) == missing


def test_no_bar_is_missing_in_a_lunch_break(hong_kong):
    assert hong_kong.missing_between("1m", at("2026-03-03 03:59"), at("2026-03-03 05:00")) == 0


@pytest.mark.parametrize(
    ("timeframe", "missing"), [("1s", 2 * 86_400 - 1), ("5m", 575), ("4h", 11), ("12h", 3), ("1d", 1), ("3d", 0)]
)
def test_a_market_that_never_closes_misses_bars_at_the_weekend_too(always, timeframe, missing):
    assert always.missing_between(timeframe, at("2026-03-07 00:00"), at("2026-03-09 00:00")) == missing
