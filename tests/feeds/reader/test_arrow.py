"""Parquet and Feather, whatever the types of their columns."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import open_feeds
from scanner_app.feeds.reader.options import Options

DAY = datetime(2020, 1, 2, tzinfo=UTC)
MORNING = datetime(2020, 1, 2, 9, 30, tzinfo=UTC)
PRICES = {"open": 1.0, "high": 3.0, "low": 0.5, "close": 2.0, "volume": 100.0}
BAR = {"symbol": "ACME", "timeframe": "1d", "timestamp": DAY} | PRICES


@pytest.fixture(params=["parquet", "feather"])
def opened(request, tmp_path):
    """Write columns to a file in one of the forms, and open it."""

    def open_columns(columns, **options):
        path = tmp_path / f"ACME.{request.param}"
        table = pa.table({name.title(): [value] for name, value in PRICES.items()} | columns)
        pq.write_table(table, path) if request.param == "parquet" else pyarrow.feather.write_feather(table, path)
        (feed,) = open_feeds(path, Options(**options))
        return feed

    return open_columns


@pytest.mark.parametrize(
    "stamps",
    [
        pytest.param(pa.array([DAY.replace(tzinfo=None)], pa.timestamp("ns")), id="naive nanoseconds"),
        pytest.param(pa.array([date(2020, 1, 2)]), id="a date"),
        pytest.param(pa.array(["2020-01-02"]), id="text"),
        pytest.param(pa.array([1577923200]), id="seconds"),
        pytest.param(pa.array([20200102]), id="a date as a number"),
        pytest.param(pa.array(["2020-01-02"]).dictionary_encode(), id="a dictionary"),
    ],
)
def test_a_day_is_read_whatever_its_type(opened, stamps):
    assert list(opened({"Date": stamps}).items) == [(1, BAR)]


@pytest.mark.parametrize(
    "stamps",
    [
        pytest.param(pa.array([MORNING], pa.timestamp("ms", tz="Europe/Berlin")), id="a zone"),
        pytest.param(pa.array([MORNING.astimezone(timezone(timedelta(hours=1)))]), id="another"),
        pytest.param(pa.array([1_577_957_400_000_000_001]), id="nanoseconds as a number"),
        pytest.param(pa.array([1_577_957_400_000_000_001], pa.timestamp("ns")), id="nanoseconds, cut off"),
        pytest.param(pa.array([1_577_957_400.0]), id="seconds as a float"),
    ],
)
def test_a_moment_is_read_whatever_its_type(opened, stamps):
    assert [bar["timestamp"] for _, bar in opened({"ts": stamps}, timeframe="30m").items] == [MORNING]


def test_date_and_time_of_day_are_joined(opened):
    feed = opened({"date": [date(2020, 1, 2)], "time": [time(9, 30)]}, timeframe="30m")

    assert [bar["timestamp"] for _, bar in feed.items] == [MORNING]


def test_numbers_may_be_decimals_integers_and_text(opened):
    feed = opened({"Date": ["2020-01-02"], "Open": [Decimal("1.0")], "High": [3], "Low": ["0.5"]})

    assert list(feed.items) == [(1, BAR)]


def test_rows_of_nulls_give_no_bar_and_an_unknown_volume_is_none(tmp_path):
    columns = {name: [None, value] for name, value in PRICES.items() if name != "volume"}
    path = tmp_path / "ACME.parquet"
    pq.write_table(
        pa.table(columns | {"Date": ["2020-01-01", "2020-01-02"], "Volume": pa.array([None, None], pa.float64())}), path
    )

    (feed,) = open_feeds(path)

    assert list(feed.items) == [(2, BAR | {"volume": None})]
    assert "1 row without prices left out, the first is row 1" in feed.plan.notes


def test_an_unknown_zone_is_a_sentence_and_the_option_reads_its_moments(opened):
    stamps = pa.array([1_577_957_400_000], pa.timestamp("ms", tz="America/New York"))

    with pytest.raises(
        FeedError, match="time zone 'America/New York', which is unknown; did you mean America/New_York"
    ):
        opened({"Date": stamps}, timeframe="30m")

    feed = opened({"Date": stamps}, timeframe="30m", timezone="America/New_York")
    assert [bar["timestamp"] for _, bar in feed.items] == [MORNING]


def test_a_long_file_is_read_in_pieces(opened, tmp_path):
    rows = 5_000
    stamps = [DAY + timedelta(days=number) for number in range(rows)]
    table = pa.table({name: [value] * rows for name, value in PRICES.items()} | {"timestamp": stamps})
    path = tmp_path / "LONG.parquet"
    pq.write_table(table, path)

    (feed,) = open_feeds(path)

    half = [next(feed.items) for _ in range(rows // 2)]
    assert 0 < feed.share() < 1
    assert [number for number, _ in half + list(feed.items)] == list(range(1, rows + 1))
    assert feed.share() == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"PAR1 no", "cannot be read", id="Parquet"),
        pytest.param(b"ARROW1\0\0 no", "cannot be read", id="Feather"),
    ],
)
def test_a_broken_file_is_a_sentence(tmp_path, content, message):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)

    with pytest.raises(FeedError, match=message):
        open_feeds(path)


def test_missing_columns_are_named(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"ts": [1], "price": [1.0]}), path)

    with pytest.raises(FeedError, match=r"no column for open .*Columns found: ts, price"):
        open_feeds(path)
