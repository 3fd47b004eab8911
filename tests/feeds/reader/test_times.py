"""Times in every form that files have, day and month settled for the whole column."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.moments import MomentReader, localiser
from scanner_app.feeds.reader.zones import zone_named

DAY = datetime(2020, 1, 2)  # noqa: DTZ001 - files have naive times
MORNING = datetime(2020, 1, 2, 9, 30)  # noqa: DTZ001
DAY_UTC, MORNING_UTC = DAY.replace(tzinfo=UTC), MORNING.replace(tzinfo=UTC)

ROW = ",1,3,0.5,2,100\n"
HEADER = "Date,Open,High,Low,Close,Volume\n"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2020-01-02", DAY, id="a date"),
        pytest.param("20200102", DAY, id="eight digits are a date, not seconds"),
        pytest.param("2020/1/2", DAY, id="slashes, year first, no zeros"),
        pytest.param("2020.01.02 09:30", MORNING, id="dots"),
        pytest.param("2020-01-02T09:30:00Z", MORNING_UTC, id="Z"),
        pytest.param("2020-01-02 09:30:00z", MORNING_UTC, id="a small z"),
        pytest.param("2020-01-02 9:30", MORNING, id="an hour of one digit"),
        pytest.param("2020-01-02 09:30:00 UTC", MORNING_UTC, id="UTC in letters"),
        pytest.param("2020-01-02 09:30:00 +0000 UTC", MORNING_UTC, id="Go"),
        pytest.param("20200102 04:30:00 America/New_York", MORNING_UTC, id="a zone that begins with Am, as no AM"),
        pytest.param("2020.01.02D09:30:00.000000000", MORNING, id="kdb+"),
        pytest.param("20200102093000000", MORNING, id="calendar digits to the millisecond"),
        pytest.param("Jan 2020", DAY.replace(day=1), id="a month, not the 20th"),
        pytest.param("2020-01-02T10:30:00+01:00", MORNING_UTC, id="an offset"),
        pytest.param("2020-01-02T04:30:00-0500", MORNING_UTC, id="an offset without colon"),
        pytest.param("2020-01-02 04:30:00-05", MORNING_UTC, id="an offset of hours"),
        pytest.param("02.01.2020 10:30:00.000 GMT+0100", MORNING_UTC, id="Dukascopy's"),
        pytest.param("2020-01-02 09:30:00.000000000", MORNING, id="nanoseconds that are zero"),
        pytest.param("2020-01-02T09:30:00.25", MORNING + timedelta(seconds=0.25), id="a fraction"),
        pytest.param("20200102T093000", MORNING, id="ISO's basic form"),
        pytest.param("20200102 093000", MORNING, id="digits, a space, digits"),
        pytest.param("20200102  09:30:00", MORNING, id="Interactive Brokers' two spaces"),
        pytest.param("20200102 09:30:00 US/Eastern", datetime(2020, 1, 2, 14, 30, tzinfo=UTC), id="a zone's name"),
        pytest.param("20200102-09:30:00", MORNING, id="a hyphen"),
        pytest.param("202001020930", MORNING, id="twelve digits"),
        pytest.param("20200102093000", MORNING, id="fourteen digits"),
        pytest.param("02-JAN-2020", DAY, id="NSE's"),
        pytest.param("2 January 2020", DAY, id="a month's name"),
        pytest.param("Jan 2, 2020", DAY, id="month first"),
        pytest.param("Jan 02, 2020 9:30 AM", MORNING, id="with a time"),
        pytest.param("Thu Jan 02 2020 09:30:00 GMT+0000 (Coordinated Universal Time)", MORNING_UTC, id="a browser's"),
        pytest.param("Thursday, January 2, 2020", DAY, id="a weekday"),
        pytest.param("2. Januar 2020", DAY, id="German"),
        pytest.param("2020-Jan-02", DAY, id="year, name, day"),
        pytest.param("2-Jan-20", DAY, id="two digits of the year"),
        pytest.param("2-Jan-99", datetime(1999, 1, 2), id="of the last century"),  # noqa: DTZ001
        pytest.param("2020-01", datetime(2020, 1, 1), id="a month"),  # noqa: DTZ001
        pytest.param("2020-01-02 12-AM", DAY, id="twelve in the night"),
        pytest.param("2020-01-02 12-PM", DAY + timedelta(hours=12), id="twelve at noon"),
        pytest.param("2020-01-02 09:30 PM", MORNING + timedelta(hours=12), id="the second half of the day"),
        pytest.param("2020-01-01 24:00", DAY, id="the end of a day"),
        pytest.param("1577957400", MORNING_UTC, id="Unix seconds"),
        pytest.param("1577957400.0", MORNING_UTC, id="Unix seconds as a float"),
        pytest.param("1577957400.25", MORNING_UTC + timedelta(seconds=0.25), id="with a fraction, exactly"),
        pytest.param("1577957400001", MORNING_UTC + timedelta(milliseconds=1), id="Unix milliseconds"),
        pytest.param("1577957400000001", MORNING_UTC + timedelta(microseconds=1), id="Unix microseconds"),
        pytest.param("1577957400000000001", MORNING_UTC, id="Unix nanoseconds, cut off"),
        pytest.param("-1577957400", datetime(1919, 12, 31, 14, 30, tzinfo=UTC), id="before 1970"),
        pytest.param(" 2020-01-02 ", DAY, id="spaces around"),
        pytest.param(1577957400, MORNING_UTC, id="an integer"),
        pytest.param(1577957400.0, MORNING_UTC, id="a float"),
        pytest.param(20200102, DAY, id="a date as an integer"),
        pytest.param(DAY.date(), DAY, id="a date"),
        pytest.param(MORNING_UTC, MORNING_UTC, id="a moment"),
    ],
)
def test_a_time_is_read(text, moment):
    read = MomentReader(place=0, order="dmy").read([text])

    assert isinstance(read, datetime)
    assert read == moment
    assert read.tzinfo == moment.tzinfo


@pytest.mark.parametrize(
    ("order", "moment"),
    [
        ("dmy", datetime(2020, 2, 1)),  # noqa: DTZ001
        ("mdy", DAY),
    ],
)
@pytest.mark.parametrize("text", ["1/2/2020", "01-02-2020", "1/2/20"])
def test_day_and_month_are_read_in_the_order_of_the_column(text, order, moment):
    assert MomentReader(place=0, order=order).read([text]) == moment


def test_a_year_of_two_digits_may_come_first():
    assert MomentReader(place=0, order="ymd").read(["20/01/02"]) == DAY


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("", id="nothing"),
        pytest.param(None, id="null"),
        pytest.param("yesterday", id="a word"),
        pytest.param("1/2/2020", id="day and month in doubt"),
        pytest.param("20201340", id="a 13th month"),
        pytest.param("2020-02-30", id="a 30th of February"),
        pytest.param("2020-01-02 25:00", id="a 25th hour"),
        pytest.param("2020-01-02 13:00 PM", id="a 13th hour of twelve"),
        pytest.param("43831", id="a spreadsheet's day"),
        pytest.param("0", id="an index"),
        pytest.param("0001-01-01T00:00+05:00", id="before the first year"),
        pytest.param("99999999999999999999", id="digits without end"),
        pytest.param("nan", id="nan"),
        pytest.param("=1+2", id="a formula"),
        pytest.param("2 Smarch 2020", id="no month's name"),
    ],
)
def test_what_cannot_be_read_is_left_as_it_is(cell):
    assert MomentReader(place=0).read([cell]) == cell


def test_small_unix_times_have_the_unit_of_their_column(read):
    feed = read(f"Date,Open,High,Low,Close,Volume\n86400{ROW}172800{ROW}1577923200{ROW}")

    assert [bar["timestamp"].year for _, bar in feed.items] == [1970, 1970, 2020]


@pytest.mark.parametrize(
    ("stamps", "year"),
    [
        pytest.param([947721600000, 947721660000, 947721720000], 2000, id="milliseconds"),
        pytest.param([199001012330, 199001012331, 199001012332], 1990, id="calendar digits"),
        pytest.param([199999999999, 200000059999, 200000119999], 1976, id="milliseconds that begin like a year"),
    ],
)
def test_twelve_digits_are_what_all_of_them_can_be(read, stamps, year):
    feed = read(HEADER + "".join(f"{stamp}{ROW}" for stamp in stamps), timeframe="1m")

    assert {bar["timestamp"].year for _, bar in feed.items} == {year}


@pytest.mark.parametrize(
    ("times", "moments"),
    [
        pytest.param(["93000", "153000"], ["09:30", "15:30"], id="digits of hours, minutes, seconds"),
        pytest.param(["0930", "1530"], ["09:30", "15:30"], id="digits of hours and minutes"),
        pytest.param(["0", "93000"], ["00:00", "09:30"], id="zero"),
        pytest.param(["9:30", "15:30:00"], ["09:30", "15:30"], id="colons"),
        pytest.param(["9:30 AM", "3:30 PM"], ["09:30", "15:30"], id="halves of the day"),
    ],
)
def test_a_time_of_day_in_its_own_column_is_joined_to_its_date(read, times, moments):
    rows = "".join(f"2020-01-02,{clock}{ROW}" for clock in times)

    feed = read("Date,Time,Open,High,Low,Close,Volume\n" + rows, timeframe="30m" if "0" in times else "1h")

    assert [f"{bar['timestamp']:%H:%M}" for _, bar in feed.items] == moments


def test_an_empty_column_of_the_time_of_day_is_none(read):
    feed = read(f"Date,Time,Open,High,Low,Close,Volume\n2020-01-02,{ROW}")

    assert [(bar["timestamp"], bar["timeframe"]) for _, bar in feed.items] == [(DAY_UTC, "1d")]


# --- order of day and month


@pytest.mark.parametrize(
    ("dates", "note"),
    [
        pytest.param(["01/02/2019", "11/14/2019"], "month/day/year, because line 3 has 11/14/2019", id="month first"),
        pytest.param(["01/02/2019", "14/11/2019"], "day/month/year, because line 3 has 14/11/2019", id="day first"),
        pytest.param(["01.02.2019", "02.02.2019"], "day/month/year, as dates with dots are", id="dots"),
        pytest.param(["32/01/02", "32/01/03"], "year/month/day, because line 2 has 32/01/02", id="year first"),
        pytest.param(
            [f"01/{day:02}/2024" for day in (2, 3, 4, 5, 8)],
            "month/day/year, because that way its bars are even",
            id="even",
        ),
        pytest.param(
            [f"{day:02}/01/2024" for day in (2, 3, 4, 5, 8)],
            "day/month/year, because that way its bars are even",
            id="odd",
        ),
    ],
)
def test_the_whole_column_shows_the_order_of_day_and_month(read, dates, note):
    feed = read(HEADER + "".join(date + ROW for date in dates), timeframe="1d" if len(dates) == 2 else None)

    assert any(note in each for each in feed.plan.notes)


def test_a_line_far_down_decides(read):
    feed = read(HEADER + f"01/02/2019{ROW}" * 5_000 + f"01/13/2019{ROW}", timeframe="1d")

    assert "dates read as month/day/year, because line 5002 has 01/13/2019" in feed.plan.notes
    assert {bar["timestamp"].day for _, bar in feed.items} == {2, 13}


@pytest.mark.parametrize(
    ("dates", "options", "message"),
    [
        pytest.param(["01/02/2019", "01/03/2019"], {}, "in doubt: .* --date-order mdy", id="nothing above 12"),
        pytest.param(["01/13/2019", "13/01/2019"], {}, "line 3 has 13/01/2019, line 2 has 01/13/2019", id="both"),
        pytest.param(["01/13/2019"], {"date_order": "dmy"}, "--date-order is dmy, but line 2", id="a wrong option"),
    ],
)
def test_an_order_in_doubt_is_refused_with_the_option(read, dates, options, message):
    with pytest.raises(FeedError, match=message):
        read(HEADER + "".join(date + ROW for date in dates), **options)


def test_the_option_decides(read):
    feed = read(HEADER + f"01/02/2019{ROW}", date_order="dmy")

    assert [bar["timestamp"] for _, bar in feed.items] == [datetime(2019, 2, 1, tzinfo=UTC)]


# --- zones


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("UTC", 0), ("Z", 0), ("+02:00", 2), ("-0330", -3.5), ("UTC+1", 1), ("gmt", 0), ("EST", -5), ("CEST", 2),
        ("America/New_York", -5), ("US/Eastern", -5), ("Japan", 9),
    ],
)  # fmt: skip
def test_a_zone_is_known_by_its_names(name, hours):
    zone = zone_named(name)

    assert zone is not None
    assert zone.utcoffset(DAY) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "name", ["CST", "IST", "America/New York", "Nowhere/Here", "", "+99:00", "../etc/passwd", "AM"]
)
def test_a_name_of_several_zones_or_none_is_none(name):
    assert zone_named(name) is None


def test_times_without_a_zone_are_utc_and_it_is_said(read):
    feed = read(HEADER + f"2020-01-02 09:30{ROW}2020-01-02 09:31{ROW}")

    assert next(feed.items)[1]["timestamp"] == MORNING_UTC
    assert "times without a zone are read as UTC (--timezone says otherwise)" in feed.plan.notes


def test_the_option_names_the_zone(read):
    feed = read(HEADER + f"2020-07-02 09:30{ROW}2020-07-02 09:31{ROW}", timezone="America/New_York")

    assert [bar["timestamp"].hour for _, bar in feed.items] == [13, 13]


def test_days_are_days_whatever_the_zone(read):
    feed = read(HEADER + f"2020-01-02{ROW}2020-01-03{ROW}", timezone="America/New_York")

    assert next(feed.items)[1]["timestamp"] == DAY_UTC


def test_a_zone_of_several_meanings_is_refused_with_the_option(read):
    text = HEADER + f"2020-01-02 09:30 CST{ROW}2020-01-02 09:31 CST{ROW}"

    with pytest.raises(FeedError, match=r"line 2 of Date has '2020-01-02 09:30 CST': CST means several .*--timezone"):
        read(text)

    assert next(read(text, timezone="America/Chicago").items)[1]["timestamp"].hour == 15


def test_a_zone_in_the_columns_name_counts(read):
    feed = read(f"Time (EST),Open,High,Low,Close,Volume\n2020-07-02 09:30{ROW}2020-07-02 09:31{ROW}")

    assert next(feed.items)[1]["timestamp"].hour == 14


@pytest.mark.parametrize("clock", ["04:00", "16:00"])
def test_interactive_brokers_times_outside_new_yorks_hours_need_a_zone(read, clock):
    with pytest.raises(FeedError, match=r"zone that TWS is set to.*--timezone"):
        read(HEADER + f"20240102  09:30:00{ROW}20240102  {clock}:00{ROW}", timeframe="30m")


def test_an_hour_that_comes_twice_is_told_apart_by_the_bar_before(read):
    clocks = ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]
    rows = "".join(f"2024-11-03 {clock}{ROW}" for clock in clocks)

    feed = read(HEADER + rows, timezone="America/New_York", timeframe="30m")

    moments = [bar["timestamp"] for _, bar in feed.items]
    steps = [later - earlier for earlier, later in pairwise(moments)]
    assert steps == [timedelta(minutes=30)] * 5


def test_a_time_that_the_clock_skips_is_no_moment():
    zone = zone_named("America/New_York")
    assert zone is not None
    local = localiser(zone)

    assert local(datetime(2024, 3, 10, 2, 30), None) is None  # noqa: DTZ001
