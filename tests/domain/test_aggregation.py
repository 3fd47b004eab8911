"""Derived bars beside those that pandas makes, in real calendars, over whole series and bar by bar."""

import math
from datetime import UTC, datetime, timedelta

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from scanner_app.domain.aggregation import DAY, aggregate, day_of, ends, period_of
from scanner_app.domain.timeframes import TIMEFRAMES
from tests.calendars.conftest import real

CALENDARS = ["XNYS", "XHKG", "XTKS", "CMES", "24/5", "24/7"]
"""Half days and daylight saving, lunch breaks, sessions over midnight, markets that never close."""

SPANS = {
    "summer time begins in New York": ("2026-03-05", "2026-03-12"),
    "it ends, in Europe a week earlier": ("2025-10-30", "2025-11-05"),
    "Christmas, with half days": ("2025-12-22", "2025-12-31"),
}

DERIVED = ["5m", "15m", "1h", "4h", "1d"]


def frame(first, last, *, step="5min", seed=1):
    """A random walk without a hole, inside of sessions and outside, by opening time."""
    index = pd.date_range(first, last, freq=step, inclusive="left", tz="UTC")
    random = np.random.default_rng(seed)
    close = 100 + random.normal(size=len(index)).cumsum() / 10
    opened = close + random.normal(size=len(index)) / 50
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) + random.random(len(index)),
            "low": np.minimum(opened, close) - random.random(len(index)),
            "close": close,
            "volume": random.random(len(index)) * 1e6,
        },
        index=index,
    )


def rows_of(bars):
    return [(time.to_pydatetime(), *map(float, values)) for time, *values in bars.itertuples()]


def by_pandas(bars, calendar, timeframe):
    """The reference: each session of the package by itself, resampled from its opening."""
    first, last = bars.index[0].date() - timedelta(days=3), bars.index[-1].date() + timedelta(days=3)
    schedule = exchange_calendars.get_calendar(calendar, start=str(first), end=str(last)).schedule
    made = []
    for day, session in schedule.iterrows():
        inside = bars[(bars.index >= session["open"]) & (bars.index < session["close"])]
        if inside.empty:
            continue
        length = session["close"] - session["open"] if timeframe == DAY else pd.Timedelta(TIMEFRAMES[timeframe])
        groups = inside.resample(length, origin=session["open"])
        of_session = groups.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": math.fsum})[
            groups.size() > 0
        ]
        if timeframe == DAY:
            of_session.index = [day.tz_localize("UTC")]
        made.append(of_session)
    return pd.concat(made)


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("timeframe", DERIVED[1:])
def test_derived_bars_are_those_of_pandas(calendar, timeframe, span):
    bars = frame(*span)
    bars = bars[np.random.default_rng(2).random(len(bars)) > 0.1]  # with holes

    made = aggregate(rows_of(bars), base="5m", timeframe=timeframe, hours=real(calendar))

    expected = by_pandas(bars, calendar, timeframe)
    got = [(one.period.timestamp, one.open, one.high, one.low, one.close, one.volume) for one in made]
    assert got == rows_of(expected)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_minutes_too(calendar):
    bars = frame("2026-03-06", "2026-03-10", step="1min")
    for timeframe in DERIVED:
        made = aggregate(rows_of(bars), base="1m", timeframe=timeframe, hours=real(calendar))
        expected = by_pandas(bars, calendar, timeframe)
        assert [one.period.timestamp for one in made] == [time.to_pydatetime() for time in expected.index]
        assert [one.volume for one in made] == list(expected["volume"])


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("timeframe", DERIVED)
def test_exactly_the_last_base_bar_of_a_period_in_trading_time_ends_it(calendar, timeframe):
    hours = real(calendar)
    times = [time.to_pydatetime() for time in frame("2025-12-22", "2025-12-31", step="1min").index]
    traded = [time for time in times if hours.traded_between(time.timestamp(), time.timestamp() + 60)]
    periods = [period_of(time, base="1m", timeframe=timeframe, hours=hours) for time in traded]

    for place, (time, period) in enumerate(zip(traded[:-1], periods[:-1], strict=True)):
        is_last = periods[place + 1] != period
        assert period is not None
        assert ends(period, time, base="1m", hours=hours) is is_last, time


@pytest.mark.parametrize("calendar", CALENDARS)
def test_a_derived_daily_bar_is_of_the_session_that_closes_first_after_its_timestamp(calendar):
    hours = real(calendar)
    for time in frame("2025-10-20", "2026-04-10", step="1h").index:
        period = period_of(time.to_pydatetime(), base="1h", timeframe=DAY, hours=hours)
        if period is not None:
            assert day_of(period.timestamp, hours) == period.timestamp
            assert day_of(period.begin, hours) == period.timestamp
            assert period.after <= period.timestamp < period.end


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_hour_that_opens_before_the_session_belongs_to_its_first_period(new_york):
    before, first = (
        period_of(at(text), base="1h", timeframe="2h", hours=new_york)
        for text in ("2026-03-03 13:00", "2026-03-03 14:00")
    )

    assert before is None
    assert first is not None
    assert (first.timestamp, first.end) == (at("2026-03-03 14:30"), at("2026-03-03 16:30"))


def test_the_last_period_is_cut_at_the_close(new_york):
    period = period_of(at("2026-03-03 20:45"), base="1m", timeframe="1h", hours=new_york)

    assert period is not None
    assert (period.timestamp, period.end) == (at("2026-03-03 20:30"), at("2026-03-03 21:00"))


def test_a_volume_is_unknown_if_that_of_any_base_bar_is_or_if_it_is_too_large(always):
    times = [at("2026-03-03 14:00") + timedelta(minutes=minute) for minute in range(10)]

    def volume_of(*volumes):
        bars = [(time, 1.0, 1.0, 1.0, 1.0, volume) for time, volume in zip(times, volumes, strict=False)]
        (made,) = aggregate(bars, base="1m", timeframe="5m", hours=always)
        return made.volume

    assert volume_of(1.0, None, 2.0) is None
    assert volume_of(1e308, 1e308) is None
    assert volume_of(*[0.1] * 5) == 0.5


def test_where_no_sessions_are_known_nothing_is_made(new_york):
    bars = [(at("1980-03-03 15:00"), 1.0, 1.0, 1.0, 1.0, 1.0), (at("2050-03-03 15:00"), 1.0, 1.0, 1.0, 1.0, 1.0)]

    assert aggregate(bars, base="1m", timeframe="1h", hours=new_york) == []
