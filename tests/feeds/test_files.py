"""Anyone's CSV and Parquet files become raw bars, line by line, or one clear error."""

import gzip
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner_app.feeds.files import FeedError, open_feed, read_number, read_time

DAY = datetime(2020, 1, 2, tzinfo=UTC)
MORNING = datetime(2020, 1, 2, 9, 30, tzinfo=UTC)
PRICES = {"open": 1.0, "high": 3.0, "low": 0.5, "close": 2.0, "volume": 100.0}
BAR = {"symbol": "ACME", "timeframe": "1d", "timestamp": DAY} | PRICES
HEADER = "timestamp,open,high,low,close,volume\n"
ROW = "2020-01-02,1,3,0.5,2,100\n"


@pytest.fixture
def csv_file(tmp_path):
    def write(text, name="ACME.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def parquet_file(tmp_path):
    def write(columns, name="ACME.parquet"):
        path = tmp_path / name
        pq.write_table(pa.table(columns), path)
        return path

    return write


def read_bars(path, **fixed):
    """The bars of a file, each with its line."""
    return open_feed(path, **fixed).items


# --- headers


@pytest.mark.parametrize(
    ("header", "row"),
    [
        pytest.param("timestamp,open,high,low,close,volume", "2020-01-02,1,3,0.5,2,100", id="our own names"),
        pytest.param("Date,Open,High,Low,Close,Volume", "2020-01-02,1,3,0.5,2,100", id="any case"),
        pytest.param("ts,o,h,l,c,v", "2020-01-02,1,3,0.5,2,100", id="letters"),
        pytest.param("volume,close,low,high,open,DATETIME", "100,2,0.5,3,1,2020-01-02", id="any order"),
        pytest.param(
            "Date,Open,High,Low,Adj Close,Close,Vol",
            "2020-01-02,1,3,0.5,9,2,100",
            id="Adj Close is not close",
        ),
        pytest.param(
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
            "ACME,D,20200102,000000,1,3,0.5,2,100,0",
            id="Stooq's, in angle brackets",
        ),
        pytest.param(
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<SPREAD>",
            "2020.01.02\t00:00:00\t1\t3\t0.5\t2\t100\t5",
            id="MetaTrader's, with tabs",
        ),
        pytest.param("Date;Open;High;Low;Close;Volume", "2020-01-02;1;3;0.5;2;100", id="semicolons"),
        pytest.param('"Date", "Open","High","Low","Close","Volume"', '"2020-01-02",1,3,0.5,2,100', id="quotes"),
        pytest.param(
            "open_time,open,high,low,close,volume,close_time", "1577923200000,1,3,0.5,2,100,1", id="Binance's"
        ),
        pytest.param(
            "date,close,timestamp,open,high,low,volume",
            "x,2,1577923200,1,3,0.5,100",
            id="timestamp before date",
        ),
    ],
)
def test_a_header_is_understood_whatever_its_dialect(csv_file, header, row):
    assert list(read_bars(csv_file(f"{header}\n{row}\n"))) == [(2, BAR)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("\ufeff" + HEADER + ROW, 2, id="a byte order mark"),
        pytest.param("\n\n" + HEADER + "\n" + ROW + "\n", 5, id="blank lines, which count as lines"),
        pytest.param((HEADER + ROW).replace("\n", "\r\n"), 2, id="Windows line ends"),
        pytest.param(HEADER + ROW.strip(), 2, id="no line end at the end"),
    ],
)
def test_the_shape_of_the_text_does_not_matter(csv_file, text, line):
    assert list(read_bars(csv_file(text))) == [(line, BAR)]


def test_a_packed_file_is_unpacked(csv_file):
    assert list(read_bars(csv_file(gzip.compress((HEADER + ROW).encode()), "ACME.csv.gz"))) == [(2, BAR)]


def test_only_the_date_is_used_if_the_column_of_the_time_of_day_is_empty(csv_file):
    path = csv_file("Date,Time,Open,High,Low,Close,Volume\n2020-01-02,,1,3,0.5,2,100\n")

    assert [bar["timestamp"] for _, bar in read_bars(path)] == [DAY]


# --- symbol and timeframe


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        pytest.param("ACME.csv", "ACME", id="without its suffix"),
        pytest.param("BRK.B.csv.gz", "BRK.B", id="dots before the suffix belong to it"),
        pytest.param("acme.CSV", "acme", id="a suffix in capitals"),
    ],
)
def test_the_symbol_is_the_files_name(csv_file, name, symbol):
    text = (HEADER + ROW).encode()

    ((_, bar),) = read_bars(csv_file(gzip.compress(text) if name.endswith("gz") else text, name))

    assert bar["symbol"] == symbol


def test_a_column_of_symbols_goes_before_the_files_name(csv_file):
    path = csv_file("Ticker," + HEADER + "XYZ," + ROW + "005930," + ROW)

    assert [bar["symbol"] for _, bar in read_bars(path)] == ["XYZ", "005930"]


def test_an_option_goes_before_the_columns(csv_file):
    path = csv_file("ticker,interval," + HEADER + "XYZ,1h," + ROW)

    ((_, bar),) = read_bars(path, symbol="ABC", timeframe="5m")

    assert (bar["symbol"], bar["timeframe"]) == ("ABC", "5m")


@pytest.mark.parametrize(
    ("cell", "timeframe"),
    [
        pytest.param("1h", "1h", id="ours"),
        pytest.param("60", "1h", id="minutes as a number"),
        pytest.param("M", "1M", id="M is a month"),
        pytest.param("1m", "1m", id="1m is a minute"),
        pytest.param("7x", "7x", id="unknown: left for ingest to reject"),
        pytest.param("", "", id="empty: likewise"),
    ],
)
def test_a_column_of_timeframes_is_translated(csv_file, cell, timeframe):
    path = csv_file("timeframe," + HEADER + f"{cell}," + ROW)

    assert [bar["timeframe"] for _, bar in read_bars(path)] == [timeframe]


# --- cells


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2020-01-02", DAY, id="a date"),
        pytest.param("20200102", DAY, id="eight digits are a date, not seconds"),
        pytest.param("2020/1/2", DAY, id="slashes, year first, no zeros"),
        pytest.param("2020.01.02 09:30", MORNING, id="dots"),
        pytest.param("2020-01-02T09:30:00Z", MORNING, id="Z"),
        pytest.param("2020-01-02 09:30:00z", MORNING, id="a small z"),
        pytest.param("2020-01-02 9:30", MORNING, id="an hour of one digit"),
        pytest.param("2020-01-02 09:30:00 UTC", MORNING, id="UTC in letters"),
        pytest.param("2020-01-02T10:30:00+01:00", MORNING, id="an offset"),
        pytest.param("2020-01-02T04:30:00-0500", MORNING, id="an offset without colon"),
        pytest.param("2020-01-02 09:30:00.000000000", MORNING, id="nanoseconds that are zero"),
        pytest.param("20200102T093000", MORNING, id="ISO's basic form"),
        pytest.param("20200102 093000", MORNING, id="digits, a space, digits"),
        pytest.param("202001020930", MORNING, id="twelve digits"),
        pytest.param("20200102093000", MORNING, id="fourteen digits"),
        pytest.param("1577957400", MORNING, id="Unix seconds"),
        pytest.param("1577957400.0", MORNING, id="Unix seconds as a float"),
        pytest.param("1577957400.25", MORNING + timedelta(seconds=0.25), id="with a fraction, exactly"),
        pytest.param("1577957400001", MORNING + timedelta(milliseconds=1), id="Unix milliseconds"),
        pytest.param("1577957400000001", MORNING + timedelta(microseconds=1), id="Unix microseconds"),
        pytest.param(" 2020-01-02 ", DAY, id="spaces around"),
        pytest.param(1577957400, MORNING, id="an integer out of Parquet"),
        pytest.param(date(2020, 1, 2), DAY, id="a date out of Parquet"),
        pytest.param(datetime(2020, 1, 2, 9, 30), MORNING, id="naive is UTC"),  # noqa: DTZ001
        pytest.param(
            datetime(2020, 1, 2, 10, 30, tzinfo=timezone(timedelta(hours=1))),
            MORNING,
            id="a zone out of Parquet",
        ),
    ],
)
def test_a_time_is_read_as_utc(text, moment):
    read = read_time(text)

    assert read == moment
    assert isinstance(read, datetime)
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("", id="nothing"),
        pytest.param(None, id="null"),
        pytest.param("yesterday", id="a word"),
        pytest.param("1/2/2020", id="day and month in doubt"),
        pytest.param("20201340", id="a 13th month"),
        pytest.param("2020-02-30", id="a 30th of February"),
        pytest.param("43831", id="a spreadsheet's day"),
        pytest.param("0", id="an index"),
        pytest.param("1577957400000000000", id="nanoseconds"),
        pytest.param("-1577957400", id="a negative number"),
        pytest.param("0001-01-01T00:00+05:00", id="before the first year"),
        pytest.param("nan", id="nan"),
    ],
)
def test_a_time_in_doubt_is_left_for_ingest_to_reject(cell):
    assert read_time(cell) == cell


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param("1.5", 1.5, id="text"),
        pytest.param(" 1e3 ", 1000.0, id="an exponent, spaces"),
        pytest.param(3, 3.0, id="an integer"),
        pytest.param(Decimal("0.1"), 0.1, id="a decimal"),
        pytest.param("1,234.5", "1,234.5", id="thousands: left as text"),
        pytest.param("1_000", "1_000", id="underscores: left as text"),
        pytest.param("n/a", "n/a", id="a word: left as text"),
        pytest.param("", "", id="nothing: left as it is"),
        pytest.param(None, None, id="null: left as it is"),
        pytest.param(True, True, id="a truth value is no number"),
    ],
)
def test_a_number_is_read_or_left_for_ingest_to_reject(cell, number):
    read = read_number(cell)

    assert read == number
    assert type(read) is type(number)


def test_a_bad_line_is_handed_on_with_its_number_and_the_next_is_read(csv_file):
    path = csv_file(HEADER + "soon,1,3,x\n" + ROW)

    bad = {"symbol": "ACME", "timeframe": "1d", "timestamp": "soon"}
    assert list(read_bars(path)) == [
        (2, bad | {"open": 1.0, "high": 3.0, "low": "x", "close": "", "volume": ""}),
        (3, BAR),
    ]


# --- Parquet


@pytest.mark.parametrize(
    "stamps",
    [
        pytest.param(pa.array([DAY.replace(tzinfo=None)], pa.timestamp("ns")), id="naive nanoseconds"),
        pytest.param(pa.array([DAY], pa.timestamp("ms", tz="Europe/Berlin")), id="a zone"),
        pytest.param(pa.array([date(2020, 1, 2)]), id="a date"),
        pytest.param(pa.array(["2020-01-02"]), id="text"),
        pytest.param(pa.array([1577923200]), id="seconds"),
        pytest.param(pa.array(["2020-01-02"]).dictionary_encode(), id="a dictionary"),
    ],
)
def test_parquet_is_read_whatever_the_type_of_its_times(parquet_file, stamps):
    columns = {name.title(): [value] for name, value in PRICES.items()}

    assert list(read_bars(parquet_file({"Date": stamps} | columns))) == [(1, BAR)]


def test_nanoseconds_that_are_not_zero_are_cut_off(parquet_file):
    stamps = pa.array([1_577_957_400_000_000_001], pa.timestamp("ns"))
    columns = {name: [value] for name, value in PRICES.items()}

    assert [bar["timestamp"] for _, bar in read_bars(parquet_file({"ts": stamps} | columns))] == [MORNING]


def test_parquets_date_and_time_of_day_are_joined(parquet_file):
    columns = {name: [value] for name, value in PRICES.items()}
    path = parquet_file({"date": [date(2020, 1, 2)], "time": [time(9, 30)]} | columns)

    assert [bar["timestamp"] for _, bar in read_bars(path)] == [MORNING]


def test_nulls_in_parquet_are_left_for_ingest_to_reject(parquet_file):
    columns = {name: pa.array([None], pa.float64()) for name in PRICES}
    path = parquet_file({"ts": pa.array([None], pa.timestamp("us")), "symbol": pa.array([None], pa.string())} | columns)

    ((_, bar),) = read_bars(path)

    assert bar == dict.fromkeys(PRICES) | {"timestamp": None, "symbol": "", "timeframe": "1d"}


def test_a_long_file_is_read_in_pieces(parquet_file, csv_file):
    rows = 5_000
    stamps = [DAY + timedelta(days=number) for number in range(rows)]
    columns = {name: [value] * rows for name, value in PRICES.items()}
    feed = open_feed(parquet_file({"timestamp": stamps} | columns))
    assert feed.share() == 0

    half = [next(feed.items) for _ in range(rows // 2)]

    assert feed.share() == 0.5
    rest = list(feed.items)
    assert [number for number, _ in half + rest] == list(range(1, rows + 1))
    assert feed.share() == 1
    text = open_feed(csv_file(HEADER + ROW * 100_000))
    next(text.items)
    assert 0 < text.share() < 0.1
    assert sum(1 for _ in text.items) == 99_999
    assert text.share() == 1


# --- errors


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("a.txt", b"x", "unknown suffix", id="an unknown suffix"),
        pytest.param("a.csv", b"", "is empty", id="an empty file"),
        pytest.param("a.csv", b"\n \n", "is empty", id="a file of blank lines"),
        pytest.param("a.parquet", b"", "is empty", id="an empty Parquet file"),
        pytest.param("a.csv.gz", gzip.compress(b""), "is empty", id="a packed empty file"),
        pytest.param("a.csv", b"\xff\xfeD\x00a\x00", "cannot be read", id="another encoding"),
        pytest.param("a.csv.gz", b"Date,Open", "cannot be read", id="a file that is not packed"),
        pytest.param("a.parquet", b"PAR1 no", "cannot be read", id="a broken Parquet file"),
        pytest.param(
            "a.csv",
            b"Date,Open,High,Low,Adj Close\n",
            "no column for close (or c, close price); volume (or vol, v, tickvol, tick volume). "
            "Columns found: Date, Open, High, Low, Adj Close",
            id="missing columns",
        ),
        pytest.param("a.csv", b"2020-01-02,1,3,0.5,2,100\n", "Columns found: 2020-01-02, 1,", id="no header"),
    ],
)
def test_a_useless_file_is_one_error_that_names_it(csv_file, name, content, message):
    path = csv_file(content, name)

    with pytest.raises(FeedError) as caught:
        open_feed(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FeedError, match=r"none\.csv: no such file"):
        open_feed(tmp_path / "none.csv")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.csv").mkdir()

    with pytest.raises(FeedError, match=r"a\.csv: cannot be read"):
        open_feed(tmp_path / "a.csv")


def test_parquets_missing_columns_are_named(parquet_file):
    path = parquet_file({"ts": [1], "price": [1.0]})

    with pytest.raises(FeedError, match=r"no column for open .*Columns found: ts, price"):
        open_feed(path)


def test_a_file_that_is_cut_off_is_read_to_there_and_then_named(csv_file):
    rows = "".join(f"2020-01-02,1,3,0.5,2,{number * 7919 % 1009}\n" for number in range(20_000))
    whole = gzip.compress((HEADER + rows).encode())
    path = csv_file(whole[: len(whole) // 2], "ACME.csv.gz")
    seen: list[object] = []

    with pytest.raises(FeedError, match=r"ACME\.csv\.gz: cannot be read beyond line \d+"):
        seen.extend(read_bars(path))

    assert len(seen) > 1_000


def test_a_header_without_bars_is_no_error(csv_file):
    assert list(read_bars(csv_file(HEADER))) == []
