"""Symbol, timeframe, volume and direction: nothing that the data contradict is assumed, and doubt is refused."""

from datetime import UTC, date, datetime, timedelta

import pytest

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.spacing import Spacing

HEADER = "Date,Open,High,Low,Close,Volume\n"
ROW = ",1,3,0.5,2,100\n"
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def rows(*steps, since=START, count=6, row=ROW):
    """Rows that are `steps` apart, in turn."""
    moments = [since]
    while len(moments) < count:
        moments.append(moments[-1] + steps[(len(moments) - 1) % len(steps)])
    return "".join(f"{moment:%Y-%m-%dT%H:%M:%SZ}{row}" for moment in moments)


def minutes(*counts):
    return [timedelta(minutes=count) for count in counts]


# --- timeframe


@pytest.mark.parametrize(
    ("text", "timeframe"),
    [
        pytest.param(rows(*minutes(1)), "1m", id="minutes"),
        pytest.param(rows(*minutes(1, 1, 4)), "1m", id="minutes with gaps"),
        pytest.param(rows(*minutes(5)), "5m", id="five minutes"),
        pytest.param(rows(*minutes(60)), "1h", id="hours"),
        pytest.param(rows(*minutes(60, 60, 60, 30)), "1h", id="hours with a short one"),
        pytest.param(rows(timedelta(days=1)), "1d", id="days"),
        pytest.param(rows(timedelta(days=7)), "1w", id="weeks"),
        pytest.param(
            f"2024-01-02{ROW}2024-01-05{ROW}2024-01-09{ROW}2024-01-10{ROW}2024-01-11{ROW}", "1d", id="few days"
        ),
        pytest.param("".join(f"2024-{month:02}-01{ROW}" for month in range(1, 8)), "1M", id="months"),
        pytest.param(f"2024-01-05{ROW}2024-01-08{ROW}", "1d", id="a Friday and a Monday"),
        pytest.param(f"2024-01-05{ROW}", "1d", id="a day"),
        pytest.param(f"20240105 00:00{ROW}", "1d", id="midnight"),
        pytest.param("", "1d", id="no bars at all"),
    ],
)
def test_the_timeframe_is_that_of_the_commonest_step(read, text, timeframe):
    feed = read(HEADER + text)

    assert feed.plan.timeframe == timeframe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(rows(count=1), "one bar a symbol, which shows no timeframe. Say --timeframe", id="one bar"),
        pytest.param(rows(*minutes(7)), "mostly 7 minutes apart, which is no timeframe", id="no timeframe"),
        pytest.param(f"2024-01-02{ROW}2024-01-05{ROW}", "no timeframe", id="three days once"),
        pytest.param(rows(*minutes(1, 2, 3, 4, 5, 6, 7), count=8), "unevenly in time", id="no even step"),
    ],
)
def test_a_timeframe_in_doubt_is_refused_with_the_option(read, text, message):
    with pytest.raises(FeedError, match=message):
        read(HEADER + text)


@pytest.mark.parametrize(
    ("text", "timeframe", "message"),
    [
        pytest.param(rows(*minutes(1)), "1d", "--timeframe is 1d, but its bars are mostly 1 minute apart", id="longer"),
        pytest.param(rows(*minutes(5)), "1m", "--timeframe is 1m, .* mostly 5 minutes apart", id="shorter"),
        pytest.param(f"2024-01-02{ROW}", "1m", "--timeframe is 1m, but its times are dates", id="dates"),
        pytest.param(
            f"2024-01-02 00:00{ROW}2024-01-05 00:00{ROW}",
            "1h",
            "--timeframe is 1h, .* all midnight",
            id="midnight",
        ),
    ],
)
def test_a_timeframe_that_the_spacing_contradicts_is_refused(read, text, timeframe, message):
    with pytest.raises(FeedError, match=message):
        read(HEADER + text, timeframe=timeframe)


@pytest.mark.parametrize(
    ("steps", "timeframe"),
    [
        pytest.param([timedelta(minutes=3)] * 9 + [timedelta(minutes=1)], "1m", id="hardly traded"),
        pytest.param([timedelta(days=1)], "1h", id="two bars with a gap"),
        pytest.param([timedelta(minutes=60)] * 6 + [timedelta(minutes=30)], "1h", id="a short session's end"),
    ],
)
def test_gaps_contradict_no_timeframe(read, steps, timeframe):
    feed = read(HEADER + rows(*steps, count=len(steps) + 1), timeframe=timeframe)

    assert feed.plan.timeframe == timeframe


def test_a_column_of_timeframes_counts_for_each_row(read):
    text = "Date,per,Open,High,Low,Close\n2024-01-02,D,1,3,0.5,2\n2024-01-02,W,1,3,0.5,2\n2024-01-02,7x,1,3,0.5,2\n"

    assert [bar["timeframe"] for _, bar in read(text).items] == ["1d", "1w", "7x"]


def test_a_column_and_an_option_that_disagree_are_refused(read):
    text = "Date,per,Open,High,Low,Close\n2024-01-02T10:00Z,60,1,3,0.5,2\n"

    with pytest.raises(FeedError, match="--timeframe is 5m, but the column per says 1h"):
        read(text, timeframe="5m")


def test_a_column_that_the_spacing_contradicts_is_refused(read):
    text = "per," + HEADER + "".join(f"D,{row}\n" for row in rows(*minutes(1)).splitlines())

    with pytest.raises(FeedError, match="the column per says 1d, but its bars are mostly 1 minute apart"):
        read(text)


def test_a_name_that_the_spacing_contradicts_is_refused(read):
    with pytest.raises(FeedError, match="its name says 5m, but its bars are mostly 1 minute apart"):
        read(HEADER + rows(*minutes(1)), "ACME_5min.csv")


def test_a_name_says_the_timeframe_of_a_single_bar(read):
    assert read(HEADER + rows(count=1), "ACME_5min.csv").plan.timeframe == "5m"


def test_the_spacing_is_that_of_each_series(read):
    lines = rows(*minutes(1), count=30).splitlines()

    feed = read(f"Symbol,{HEADER}" + "".join(f"S{at % 5},{row}\n" for at, row in enumerate(lines)))

    assert feed.plan.timeframe == "5m"


def test_weekends_are_no_gaps_of_days_and_months_are_months():
    spacing = Spacing()
    for moment in (date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8), date(2024, 2, 8), date(2024, 3, 8)):
        spacing.add("A", datetime.combine(moment, datetime.min.time()), 1)

    assert spacing.steps == {timedelta(days=1): 2, timedelta(days=30): 2}


# --- symbol


@pytest.mark.parametrize("name", ["data.csv", "2024-01-02.csv", "prices_2024.csv.gz"])
def test_a_name_that_is_no_symbol_is_refused_with_the_option(read, name):
    with pytest.raises(FeedError, match=r"names no symbol, and its name .* is no symbol's. Say --symbol"):
        read(HEADER + f"2024-01-02{ROW}", name)


def test_a_column_of_symbols_goes_before_the_files_name(read):
    feed = read(f"Ticker,{HEADER}XYZ,2024-01-02{ROW}005930,2024-01-02{ROW}", "data.csv")

    assert [bar["symbol"] for _, bar in feed.items] == ["XYZ", "005930"]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        pytest.param("XYZ", "XYZ", id="a ticker"),
        pytest.param("Xyz Limited", "ACME", id="a company"),
        pytest.param("2781", "ACME", id="a number"),
    ],
)
def test_a_column_of_names_is_of_symbols_if_they_are_tickers(read, name, symbol):
    feed = read(f"Name,{HEADER}{name},2024-01-02{ROW}")

    assert [bar["symbol"] for _, bar in feed.items] == [symbol]


def test_an_option_names_the_one_symbol_anew_and_says_so(read):
    feed = read(f"Ticker,{HEADER}XYZ,2024-01-02{ROW}", symbol="ABC")

    assert [bar["symbol"] for _, bar in feed.items] == ["ABC"]
    assert "symbol ABC, as said, in place of XYZ" in feed.plan.notes


def test_an_option_takes_one_of_several_symbols(read):
    feed = read(f"Ticker,{HEADER}XYZ,2024-01-02{ROW}ABC,2024-01-02{ROW}", symbol="abc")

    assert [(line, bar["symbol"]) for line, bar in feed.items] == [(3, "ABC")]


def test_an_option_does_not_mix_several_symbols(read):
    with pytest.raises(FeedError, match="--symbol ABC: the file has 2 other symbols: XYZ, UVW"):
        read(f"Ticker,{HEADER}XYZ,2024-01-02{ROW}UVW,2024-01-02{ROW}", symbol="ABC")


# --- volume


@pytest.mark.parametrize(
    ("header", "cells", "volume", "note"),
    [
        pytest.param("Vol,TickVol", "0,7", 7.0, "volume is TickVol, because Vol holds nothing but 0", id="the other"),
        pytest.param("Vol,TickVol", "5,7", 5.0, "volume is Vol, not TickVol", id="the first"),
        pytest.param("Vol,TickVol", "0,0", 0.0, "", id="nothing was traded"),
        pytest.param("Vol", "", None, "volume is unknown: Vol is empty", id="empty"),
        pytest.param("Vol", "NaN", None, "volume is unknown: Vol is empty", id="not a number"),
        pytest.param("Other", "5", None, "volume is unknown: there is no column for it", id="no column"),
        pytest.param("Vol", "-1", None, "", id="Interactive Brokers' unknown"),
    ],
)
def test_the_volume_is_the_column_that_holds_something(read, header, cells, volume, note):
    feed = read(f"Date,Open,High,Low,Close,{header}\n2024-01-02,1,3,0.5,2,{cells}\n")

    assert [bar["volume"] for _, bar in feed.items] == [volume]
    assert note in feed.plan.notes or not note


def test_a_single_empty_volume_is_unknown(read):
    feed = read(HEADER + f"2024-01-02{ROW}2024-01-03,1,3,0.5,2,\n")

    assert [bar["volume"] for _, bar in feed.items] == [100.0, None]


# --- direction


def test_newest_first_is_turned_round_and_keeps_its_lines(read):
    count = 5_000
    lines = rows(*minutes(1), count=count).splitlines()

    feed = read(HEADER + "\n".join(reversed(lines)))

    items = list(feed.items)
    assert "newest bar first: turned round" in feed.plan.notes
    assert [line for line, _ in items] == list(range(count + 1, 1, -1))
    assert [bar["timestamp"] for _, bar in items] == [START + timedelta(minutes=number) for number in range(count)]
    assert feed.share() == 1


def test_a_file_out_of_order_stays_as_it_is(read):
    lines = rows(*minutes(1)).splitlines()
    lines[2:4] = lines[3], lines[2]

    feed = read(HEADER + "\n".join(lines))

    assert [line for line, _ in feed.items] == [2, 3, 4, 5, 6, 7]


# --- rows


def test_a_bad_line_is_handed_on_with_its_number_and_the_next_is_read(read):
    items = list(read(HEADER + f"soon,1,3,x\n2024-01-02{ROW}").items)

    assert items[0] == (
        2,
        {
            "symbol": "ACME",
            "timeframe": "1d",
            "timestamp": "soon",
            "open": 1.0,
            "high": 3.0,
            "low": "x",
            "close": "",
            "volume": None,
        },
    )
    assert items[1][0] == 3


def test_rows_without_prices_are_left_out_and_counted(read):
    feed = read(HEADER + f"2024-01-01,null,null,null,null,null\n2024-01-02{ROW}Downloaded on 2024-01-03\n")

    assert [line for line, _ in feed.items] == [3]
    assert "2 lines without prices left out, the first is line 2" in feed.plan.notes


@pytest.mark.parametrize("separator", [",", "\t", " "])
def test_names_that_are_one_fewer_than_the_cells_have_an_index_before_them(read, separator):
    text = '"Open" "High" "Low" "Close"\n"2024-01-02" 1 3 0.5 2\n"2024-01-03" 1 3 0.5 2\n'

    feed = read(text.replace(" ", separator))

    assert [(bar["timestamp"].day, bar["close"]) for _, bar in feed.items] == [(2, 2.0), (3, 2.0)]


def test_a_footer_in_the_column_of_symbols_is_no_symbol(read):
    feed = read(f"Symbol,{HEADER}ACME,2024-01-02{ROW}Source: somebody\n")

    assert feed.plan.symbols == ("ACME",)


@pytest.mark.parametrize(
    "header",
    ["日付け,終値,始値,高値,安値,出来高", "日期,收盘,开盘,最高,最低,成交量", "날짜,종가,시가,고가,저가,거래량"],
)
def test_headers_and_dates_of_east_asia_are_read(read, header):
    day = "2024年01月02日" if "値" in header else "2024-01-02"

    feed = read(f"{header}\n{day},2,1,3,0.5,100\n")

    assert [(bar["open"], bar["close"], bar["volume"]) for _, bar in feed.items] == [(1.0, 2.0, 100.0)]


def test_a_header_that_comes_again_is_passed_over(read):
    feed = read((HEADER + f"2024-01-02{ROW}") * 2)

    assert [line for line, _ in feed.items] == [2, 4]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("\n\n" + HEADER + "\n" + f"2024-01-02{ROW}" + "\n", 5, id="blank lines count"),
        pytest.param((HEADER + f"2024-01-02{ROW}").replace("\n", "\r\n"), 2, id="Windows line ends"),
        pytest.param((HEADER + f"2024-01-02{ROW}").replace("\n", "\r"), 2, id="an old Mac's line ends"),
        pytest.param(HEADER + f"2024-01-02{ROW}".strip(), 2, id="no line end at the end"),
        pytest.param("Source: x\n" + HEADER + f"2024-01-02{ROW}", 3, id="a line above"),
    ],
)
def test_lines_are_numbered_as_in_the_file(read, text, line):
    assert [found for found, _ in read(text).items] == [line]


def test_a_long_file_is_read_in_pieces(read):
    feed = read(HEADER + rows(*minutes(1), count=50_000))

    next(feed.items)
    assert 0 < feed.share() < 0.2
    assert sum(1 for _ in feed.items) == 49_999
    assert feed.share() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("\n \n", "is empty", id="blank lines"),
        pytest.param("Date,Open,High,Low,Adj Close\n", "no column for close .*found: Date, Open", id="a column"),
        pytest.param("Open,High,Low,Close\n1,3,0.5,2\n", "no column for timestamp.*--columns timestamp", id="no time"),
        pytest.param(HEADER + f"43831{ROW}", "numbers that are no times: line 2 has '43831'", id="days"),
        pytest.param(HEADER + f"soon{ROW}", "no times that can be read: line 2 has 'soon'", id="words"),
        pytest.param("1,2,3,4,5\n2,3,4,5,6\n", "none of its first columns holds times", id="numbers"),
        pytest.param("x\n", "no column for open", id="a word"),
        pytest.param("2024-01-02,1,3\n", "no header and 3 columns|no column for open", id="too few"),
    ],
)
def test_a_useless_text_is_one_sentence(read, text, message):
    with pytest.raises(FeedError, match=message):
        read(text)


def test_columns_can_be_named_and_numbered(read):
    feed = read(
        "Tag;Erst;Top;Tiefst;Schl\n2024-01-02;1;3;0.5;2\n",
        columns={"timestamp": "Tag", "open": "2", "high": "Top", "low": "4", "close": "Schl"},
    )

    assert [(bar["open"], bar["high"], bar["low"], bar["close"]) for _, bar in feed.items] == [(1, 3, 0.5, 2)]


def test_without_a_header_columns_are_numbered(read):
    feed = read(
        "2024-01-02,2,1,3,0.5\n",
        no_header=True,
        columns={"timestamp": "1", "close": "2", "open": "3", "high": "4", "low": "5"},
    )

    assert [(bar["open"], bar["close"]) for _, bar in feed.items] == [(1, 2)]


def test_a_date_in_an_unknown_column_is_found_if_it_is_the_only_one(read):
    feed = read(f"Stichtag,Open,High,Low,Close,Volume\n2024-01-02{ROW}")

    assert "times are in the column Stichtag, the only one that holds any" in feed.plan.notes


# --- rows that are not of one series


def days(*contracts):
    """Two days, each with a row a contract."""
    return "".join(
        f"2024-01-0{day},{name},{price},{price + 2},{price - 1},{price + 1},{price * 10}\n"
        for day in (2, 3)
        for price, name in enumerate(contracts, start=10)
    )


def test_rows_of_one_time_with_other_prices_are_refused_with_the_columns_that_tell_them_apart(read):
    with pytest.raises(FeedError, match=r"line 3 has the time of line 2 and other prices, .* 2 of 4: .*symbol=NAME"):
        read("Date,Strike,Open,High,Low,Close,Volume\n" + days("22000", "22100"))


def test_symbols_one_below_the_other_in_a_column_that_nobody_knows_are_not_mixed(read):
    rows = "".join(
        f"2024-01-{day:02},{name},1{at},15,9,1{at},7\n" for at, name in enumerate("ABC") for day in range(1, 9)
    )

    with pytest.raises(FeedError, match="--columns symbol=NAME"):
        read("Date,Paper,Open,High,Low,Close,Volume\n" + rows)
    feed = read("Date,Paper,Open,High,Low,Close,Volume\n" + rows, columns={"symbol": "Paper"})
    assert feed.plan.symbols == ("A", "B", "C")


def test_the_same_row_twice_and_a_few_corrected_ones_are_read(read):
    feed = read(HEADER + rows(timedelta(days=1), count=9) * 2 + f"2024-01-02T14:30:00Z{ROW.replace('100', '7')}")

    assert len(list(feed.items)) == 19


def test_a_stream_that_says_what_is_closed_may_repeat_a_time(read):
    growing = "".join(f"2024-01-0{day},1,{3 + part},0.5,2,9,{part == 2}\n" for day in (2, 3) for part in range(3))

    feed = read("Date,Open,High,Low,Close,Volume,Closed\n" + growing)

    assert [bar["closed"] for _, bar in feed.items] == [False, False, True] * 2


def test_a_time_of_day_is_joined_to_its_date_whatever_its_column_is_called(read):
    text = "Date,Timestamp,Open,High,Low,Close\n" + "".join(f"20240102,09:3{at}:00,1,3,0.5,2\n" for at in range(4))

    assert read(text).plan.timeframe == "1m"


def test_a_whole_moment_beside_its_day_counts_alone(read):
    text = "date,time,open,high,low,close\n" + "".join(
        f"2024-01-02,2024010209{at}500000,1,3,0.5,2\n" for at in range(4)
    )

    feed = read(text)

    assert [f"{bar['timestamp']:%H:%M}" for _, bar in feed.items] == ["09:05", "09:15", "09:25", "09:35"]


def test_a_remark_in_place_of_prices_is_no_bar(read):
    feed = read(HEADER + "2024-01-02,1,3,0.5,2,100\n2024-01-03,0.24 Dividend\n2024-01-04,1,3,0.5,2,100\n")

    assert len(list(feed.items)) == 2
    assert "1 line without prices left out, the first is line 3" in feed.plan.notes


def test_a_column_of_the_timeframe_that_says_none_is_passed_over(read):
    feed = read(
        "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>\n"
        + "".join(f"ACME,I,20240102,09{at}5,1,3,0.5,2\n" for at in range(4))
    )

    assert feed.plan.timeframe == "10m"
    assert "the column <PER> says 'I', which is no timeframe, and is passed over" in feed.plan.notes


@pytest.mark.parametrize(
    ("names", "cells", "symbol"),
    [
        pytest.param("S,T", "ACME,b", "ACME", id="Alpaca's stream: T is a kind of message"),
        pytest.param("s,T", "BTC,1704171659999", "BTC", id="Binance's stream: T is a time"),
        pytest.param("T,n", "ACME,5", "ACME", id="Polygon: T is the ticker"),
        pytest.param("market,x", "NASDAQ,5", "PAPER", id="a market that is an exchange"),
        pytest.param("market,x", "KRW-BTC,5", "KRW-BTC", id="a market that is a pair"),
        pytest.param("s,x", "ok,5", "PAPER", id="a state"),
    ],
)
def test_a_column_with_a_doubtful_name_is_the_symbols_if_it_holds_tickers(read, names, cells, symbol):
    text = f"date,o,h,l,c,{names}\n" + "".join(f"2024-01-0{day},1,3,0.5,2,{cells}\n" for day in range(2, 6))

    feed = read(text, name="PAPER.csv")

    assert {bar["symbol"] for _, bar in feed.items} == {symbol}
    assert not any("closed" in bar for _, bar in feed.items), "a number in x says nothing of the bar's end"


# --- years of two digits


def dated(pattern, *steps):
    """Rows of the days from 2024-03-11 on that are so far, dated in a pattern."""
    first = date(2024, 3, 11)
    return HEADER + "".join(f"{first + timedelta(days=step):{pattern}}{ROW}" for step in steps)


@pytest.mark.parametrize(
    ("pattern", "steps", "order"),
    [
        pytest.param("%y/%m/%d", (0, 1, 2, 3), "ymd", id="the year first"),
        pytest.param("%y-%m-%d", (0, 1), "ymd", id="two days show it"),
        pytest.param("%d/%m/%y", (2, 3, 4), "dmy", id="the day first"),
        pytest.param("%m/%d/%y", (0, 1, 2, 3), "mdy", id="the month first"),
        pytest.param("%d.%m.%y", (2, 3, 4), "dmy", id="with dots it is the day"),
    ],
)
def test_where_a_years_two_digits_stand_is_shown_by_the_days_between(read, pattern, steps, order):
    feed = read(dated(pattern, *steps))

    assert feed.plan.date_order == order
    assert next(iter(feed.items))[1]["timestamp"] == datetime(2024, 3, 11, tzinfo=UTC) + timedelta(days=steps[0])


def test_one_day_with_a_year_of_two_digits_is_refused_with_the_option(read):
    with pytest.raises(FeedError, match=r"may also begin with the year.*--date-order dmy or --date-order ymd"):
        read(dated("%y/%m/%d", 2))

    assert read(dated("%y/%m/%d", 2), date_order="ymd").plan.timeframe == "1d"


# --- rows wider than their header


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("2024-03-{:02},187,15,188,44,183,89,185,64,82488700\n", id="decimal commas"),
        pytest.param("2024-03-{:02},187.15,188.44,183.89,185.64,82,488,700\n", id="thousands"),
        pytest.param("2024-03-{:02},187.15,188.44,183.89,185.64,82,488\n", id="one cell more"),
    ],
)
def test_cells_that_stand_under_no_name_of_their_own_are_refused(read, row):
    with pytest.raises(FeedError, match=r"its rows have \d+ cells under 6 names"):
        read(HEADER + "".join(row.format(day) for day in range(11, 16)))


# --- further columns


def test_hours_beside_a_date_are_hours(read):
    text = "Date,Hour,Open,High,Low,Close\n" + "".join(f"2024-01-02,{hour},1,3,0.5,2\n" for hour in range(7, 12))

    feed = read(text)

    assert feed.plan.timeframe == "1h"
    assert [bar["timestamp"].hour for _, bar in feed.items] == [7, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("cells", "timeframes"),
    [
        pytest.param(["1m", "1m", "1m", "1m"], ("1m",), id="Binance's interval"),
        pytest.param(["1", "2", "3", "4"], ("5m",), id="an index"),
    ],
)
def test_a_column_called_i_is_the_timeframe_if_it_names_some(read, cells, timeframes):
    step = 1 if timeframes == ("1m",) else 5
    rows = "".join(f"2024-01-02T09:{step * at:02}:00Z,1,3,0.5,2,{cell}\n" for at, cell in enumerate(cells))

    assert read("t,o,h,l,c,i\n" + rows).plan.timeframes == timeframes
