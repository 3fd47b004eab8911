"""Any bars, written in any of the dialects, come back equal."""

import csv
import gzip
import io
import json
import os
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scanner_app.feeds.bundled import load_series
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import open_feeds
from scanner_app.feeds.reader.options import Options

SETTINGS = settings(
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

STEPS = {"1m": timedelta(minutes=1), "5m": timedelta(minutes=5), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
FIELDS = ("open", "high", "low", "close", "volume")


@st.composite
def series(draw, timeframes=tuple(STEPS)):
    """Bars of one symbol, oldest first, with some gaps; at least one day of the month is above 12."""
    timeframe = draw(st.sampled_from(timeframes))
    start = draw(st.datetimes(datetime(1990, 1, 13), datetime(2037, 12, 1)))  # noqa: DTZ001
    start = start.replace(day=max(13, start.day), second=0, microsecond=0, minute=0, tzinfo=UTC)
    start = start.replace(hour=0) if timeframe == "1d" else start
    count = draw(st.integers(3, 20))
    steps = [1] * count + draw(st.lists(st.integers(2, 9), max_size=count // 3))
    steps = draw(st.permutations(steps))
    cents = st.integers(100, 50_000_000)
    bars, moment = [], start
    for step in steps:
        first, close, above, below = draw(st.tuples(cents, cents, st.integers(0, 9_999), st.integers(0, 99)))
        bars.append(
            {
                "timeframe": timeframe,
                "timestamp": moment,
                "open": first / 100,
                "high": (max(first, close) + above) / 100,
                "low": max(1, min(first, close) - below) / 100,
                "close": close / 100,
                "volume": float(draw(st.integers(0, 10**9))),
            }
        )
        moment += step * STEPS[timeframe]
    return bars


TIME_FORMS = {
    "ISO": lambda moment: moment.isoformat(),
    "Z": lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    "naive": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}",
    "offset": lambda moment: moment.astimezone(timezone(timedelta(hours=-5))).isoformat(" "),
    "compact": lambda moment: f"{moment:%Y%m%d %H%M%S}",
    "fourteen": lambda moment: f"{moment:%Y%m%d%H%M%S}",
    "month first": lambda moment: f"{moment:%m/%d/%Y %H:%M}",
    "day first": lambda moment: f"{moment:%d/%m/%Y %H:%M:%S}",
    "halves": lambda moment: f"{moment:%m/%d/%Y %I:%M %p}",
    "dots": lambda moment: f"{moment:%d.%m.%Y %H:%M:%S}.000",
    "name": lambda moment: f"{moment:%d-%b-%Y %H:%M}",
    "zone": lambda moment: f"{moment:%Y%m%d %H:%M:%S} UTC",
    "s": lambda moment: str(int(moment.timestamp())),
    "ms": lambda moment: str(int(moment.timestamp()) * 1_000),
    "us": lambda moment: str(int(moment.timestamp()) * 1_000_000),
    "ns": lambda moment: str(int(moment.timestamp()) * 1_000_000_000),
}

HEADERS = [
    ("timestamp", "open", "high", "low", "close", "volume"),
    ("Date", "Open", "High", "Low", "Close", "Volume"),
    ("<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"),
    ("t", "o", "h", "l", "c", "v"),
    ("", "Open", "High", "Low", "Price", "Vol."),
    None,
]


def european(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


NUMBER_FORMS = {
    "plain": lambda value: f"{value:.2f}",
    "short": lambda value: f"{value:g}" if value == float(f"{value:g}") else repr(value),
    "thousands": lambda value: f"{value:,.2f}",
    "comma": lambda value: f"{value:.2f}".replace(".", ","),
    "European": european,
    "dollars": lambda value: f"${value:,.2f}",
}

JSON_FORMS = ["objects", "arrays", "lines", "columns", "nested"]
ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"]


def written(bars, *, header, time, number, delimiter, end, quoting):
    """The bars as text in a dialect."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    if header is not None:
        writer.writerow(header)
    for bar in bars:
        writer.writerow([TIME_FORMS[time](bar["timestamp"]), *(NUMBER_FORMS[number](bar[name]) for name in FIELDS)])
    return text.getvalue()


def read_bars(path, **options):
    return [bar for feed in open_feeds(path, Options(**options)) for _, bar in feed.items]


def expected(bars):
    return [{"symbol": "ACME"} | bar for bar in bars]


@SETTINGS
@given(
    bars=series(),
    header=st.sampled_from(HEADERS),
    time=st.sampled_from(sorted(TIME_FORMS)),
    number=st.sampled_from(sorted(NUMBER_FORMS)),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(ENCODINGS),
    newest_first=st.booleans(),
    packed=st.booleans(),
    quoted=st.booleans(),
)
def test_bars_in_any_dialect_of_text_come_back_equal(
    tmp_path, bars, header, time, number, delimiter, end, encoding, newest_first, packed, quoted
):
    rows = bars[::-1] if newest_first else bars
    text = written(
        rows,
        header=header,
        time=time,
        number=number,
        delimiter=delimiter,
        end=end,
        quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL,
    )
    path = tmp_path / ("ACME.csv.gz" if packed else "ACME.csv")
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)

    assert read_bars(path) == expected(bars)


@pytest.mark.parametrize("symbol", ["AAPL", "EURUSD", "005930", "PSE:AC", "GOOGL"])
@pytest.mark.parametrize("time", ["Z", "month first", "ms"])
def test_real_series_come_back_equal_with_their_holidays_and_gaps(tmp_path, symbol, time):
    known = next(each for each in load_series() if each.symbol == symbol)
    columns = [getattr(known, name).tolist() for name in FIELDS]
    moments = [moment.replace(tzinfo=UTC) for moment in known.timestamps.tolist()]
    bars = [
        {"timeframe": known.timeframe, "timestamp": moment} | dict(zip(FIELDS, values, strict=True))
        for moment, *values in zip(moments, *columns, strict=True)
    ]
    rows = [",".join([TIME_FORMS[time](bar["timestamp"]), *(repr(bar[name]) for name in FIELDS)]) for bar in bars]
    path = tmp_path / "ACME.csv"
    path.write_text("Date,Open,High,Low,Close,Volume\n" + "\n".join(reversed(rows)))

    assert read_bars(path) == expected(bars)


@SETTINGS
@given(bars=series(), form=st.sampled_from(JSON_FORMS), newest_first=st.booleans())
def test_bars_in_any_form_of_json_come_back_equal(tmp_path, bars, form, newest_first):
    rows = bars[::-1] if newest_first else bars
    milliseconds = [int(bar["timestamp"].timestamp()) * 1_000 for bar in rows]
    objects = [{"t": at} | {name[0]: bar[name] for name in FIELDS} for at, bar in zip(milliseconds, rows, strict=True)]
    path = tmp_path / "ACME.json"
    match form:
        case "objects":
            path.write_text(json.dumps(objects))
        case "arrays":
            # Where all bars are flat, nothing shows which column is what.
            assume(any(bar["high"] > max(bar["open"], bar["close"]) for bar in bars))
            path.write_text(json.dumps([list(each.values()) for each in objects]))
        case "lines":
            path.write_text("\n".join(map(json.dumps, objects)))
        case "columns":
            path.write_text(json.dumps({key: [each[key] for each in objects] for key in objects[0]}))
        case "nested":
            path.write_text(json.dumps({"status": "OK", "data": {"results": objects}}))

    assert read_bars(path) == expected(bars)


@SETTINGS
@given(
    bars=series(),
    kind=st.sampled_from(["parquet", "feather"]),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    zone=st.sampled_from([None, "UTC", "America/New_York"]),
    newest_first=st.booleans(),
)
def test_bars_in_parquet_and_feather_come_back_equal(tmp_path, bars, kind, unit, zone, newest_first):
    rows = bars[::-1] if newest_first else bars
    stamps = [bar["timestamp"] if zone else bar["timestamp"].replace(tzinfo=None) for bar in rows]
    columns = {"date": pa.array(stamps, pa.timestamp(unit, tz=zone))}
    table = pa.table(columns | {name: [bar[name] for bar in rows] for name in FIELDS})
    path = tmp_path / f"ACME.{kind}"
    pq.write_table(table, path) if kind == "parquet" else pyarrow.feather.write_feather(table, path)

    assert read_bars(path) == expected(bars)


@SETTINGS
@given(bars=series(("1m", "5m", "1h")), zone=st.sampled_from(ZONES))
def test_bars_in_local_time_come_back_equal_through_changes_of_the_clock(tmp_path, bars, zone):
    # Gaps make a repeated hour ambiguous: without them order tells which is meant.
    step = STEPS[bars[0]["timeframe"]]
    bars = [bar | {"timestamp": bars[0]["timestamp"] + at * step} for at, bar in enumerate(bars)]
    path = tmp_path / "ACME.csv"
    local = [f"{bar['timestamp'].astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for bar in bars]
    assume(len({*local}) == len(local) or bars[0]["timeframe"] != "1h")
    rows = "".join(f"{at},{','.join(str(bar[name]) for name in FIELDS)}\n" for at, bar in zip(local, bars, strict=True))
    path.write_text("Date,Open,High,Low,Close,Volume\n" + rows)

    assert read_bars(path, timezone=zone) == expected(bars)


@SETTINGS
@given(
    bars=series(("1d",)),
    one=st.sampled_from(["month first", "day first"]),
)
def test_an_order_that_is_read_is_the_right_one_or_refused(tmp_path, bars, one):
    """With days up to 12 alone the order may be in doubt: then it is refused, never guessed wrongly."""
    start = bars[0]["timestamp"].replace(day=1)
    bars = [bar | {"timestamp": start + timedelta(days=at)} for at, bar in enumerate(bars[:11])]
    path = tmp_path / "ACME.csv"
    path.write_text(
        written(bars, header=HEADERS[1], time=one, number="plain", delimiter=",", end="\n", quoting=csv.QUOTE_MINIMAL)
    )

    try:
        assert read_bars(path) == expected(bars)
    except FeedError as exc:
        message = str(exc)
        assert "--date-order" in message
