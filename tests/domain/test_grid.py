"""Where bars below a day may open, by real calendars."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_app.domain import grid
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import DAY_S, Hours
from tests.calendars.conftest import always, hong_kong, new_york  # noqa: F401 - fixtures
from tests.domain.test_trading_hours import at

NEW_YORK = ZoneInfo("America/New_York")


def test_each_step_divides_a_day():
    assert [name for name, step in grid.STEPS.items() if DAY_S % step] == []


@pytest.mark.parametrize(
    ("timeframe", "time"),
    [
        pytest.param("1s", "2026-03-03 15:09:17", id="a second"),
        pytest.param("1m", "2026-03-03 15:09", id="a minute"),
        pytest.param("1h", "2026-03-03 15:00", id="an hour of UTC"),
        pytest.param("1h", "2026-03-03 15:30", id="an hour of the session, which opens at 14:30"),
        pytest.param("1h", "2026-03-10 15:30", id="and at 13:30 in summer"),
        pytest.param("2h", "2026-03-03 18:30", id="two hours of the session"),
        pytest.param("4h", "2026-03-03 18:30", id="four hours of the session"),
        pytest.param("4h", "2026-03-03 09:00", id="four hours of New York's clock"),
        pytest.param("4h", "2026-03-08 08:00", id="on the day that summer time begins, by the clock"),
        pytest.param("4h", "2026-03-08 09:00", id="and by the time since midnight"),
        pytest.param("12h", "2026-03-03 05:00", id="midnight in New York"),
        pytest.param("8h", "2026-03-03 14:30", id="the opening itself"),
        pytest.param("3m", "2026-03-03 14:33", id="three minutes"),
        pytest.param("1h", "2026-03-03 22:30", id="after the close, in step with the session"),
    ],
)
def test_on_the_grid(new_york, timeframe, time):  # noqa: F811
    assert grid.nearest(timeframe, at(time), zone=NEW_YORK, hours=new_york) is None


@pytest.mark.parametrize(
    ("timeframe", "time", "before", "after"),
    [
        pytest.param("1m", "2026-03-03 15:09:17", "15:09", "15:10", id="seventeen seconds"),
        pytest.param("1s", "2026-03-03 15:09:17.500", "15:09:17", "15:09:18", id="half a second"),
        pytest.param("5m", "2026-03-03 15:09", "15:05", "15:10", id="nine minutes"),
        pytest.param("1h", "2026-03-03 15:17", "15:00", "15:30", id="between the clock's and the session's hour"),
        pytest.param("1h", "2026-03-03 14:17", "14:00", "14:30", id="shortly before the opening"),
        pytest.param("1m", "2026-03-03 20:59:59.999", "20:59", "21:00", id="the end of a bar in place of its opening"),
        pytest.param("4h", "2026-03-03 15:30", "14:30", "16:00", id="one hour of a session"),
    ],
)
def test_off_the_grid_with_the_nearest_times_on_it(new_york, timeframe, time, before, after):  # noqa: F811
    day = time[:10]

    found = grid.nearest(timeframe, at(time), zone=NEW_YORK, hours=new_york)

    assert found == (at(f"{day} {before}"), at(f"{day} {after}"))


def test_a_reopening_counts_like_an_opening(hong_kong):  # noqa: F811
    # Opens at 9:30 (1:30 UTC), and again at 13:00 after lunch.
    def is_on(time):
        return grid.nearest("2h", at(time), zone=UTC, hours=hong_kong) is None

    assert [is_on(f"2026-03-03 {time}") for time in ("01:30", "03:30", "05:00", "07:00")] == [True] * 4
    assert is_on("2026-03-03 05:30"), "four hours after the opening"
    assert [is_on(f"2026-03-03 {time}") for time in ("04:30", "02:30", "06:30")] == [False] * 3


@pytest.mark.parametrize("hours", [Hours([]), None], ids=["no calendar", "before the first session"])
def test_where_the_sessions_are_not_known_every_whole_minute_counts(new_york, hours):  # noqa: F811
    def nearest(text):
        return grid.nearest("1h", at(text), zone=NEW_YORK, hours=hours or new_york)

    assert nearest("1985-03-04 14:33") is None
    assert nearest("1985-03-04 14:33:20") == (at("1985-03-04 14:33"), at("1985-03-04 14:34"))


@pytest.mark.parametrize("timeframe", [name for name in TIMEFRAMES if name not in grid.STEPS])
def test_days_and_longer_have_no_grid(always, timeframe):  # noqa: F811
    assert grid.nearest(timeframe, at("2026-03-03 15:09:17"), zone=UTC, hours=always) is None


TIMES = st.datetimes(at("2025-01-02").replace(tzinfo=None), at("2026-12-30").replace(tzinfo=None))


@given(TIMES, st.sampled_from(sorted(grid.STEPS)), st.sampled_from([NEW_YORK, ZoneInfo("Asia/Kolkata"), UTC]))
def test_the_nearest_times_are_on_the_grid_around_the_time_and_not_further_than_a_step(new_york, time, timeframe, zone):  # noqa: F811
    time = time.replace(tzinfo=UTC)

    found = grid.nearest(timeframe, time, zone=zone, hours=new_york)

    if found is not None:
        before, after = found
        assert before < time < after
        assert after - before <= timedelta(seconds=grid.STEPS[timeframe])
        assert [grid.nearest(timeframe, one, zone=zone, hours=new_york) for one in found] == [None, None]


@given(TIMES | TIMES.map(lambda time: time.replace(second=0, microsecond=0)), st.sampled_from(sorted(grid.STEPS)))
def test_for_a_market_that_never_closes_the_clock_of_utc_is_the_grid(always, time, timeframe):  # noqa: F811
    time = time.replace(tzinfo=UTC)

    found = grid.nearest(timeframe, time, zone=UTC, hours=always)

    assert grid.is_on_clock(timeframe, time) is (found is None)
