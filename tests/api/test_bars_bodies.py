"""`POST bars`: how a body may be written, and what is said about one that is not ours."""

import codecs
import gzip
import json
import resource
import zlib

import pytest
from rest_framework.parsers import JSONParser

from scanner_app.api.foreign_shapes import refusal
from scanner_app.models import Bar
from tests.api.conftest import API
from tests.conftest import raw_bar

BARS = f"{API}/bars"
JSON = "application/json"
LINES = "application/x-ndjson"


@pytest.fixture
def send(feeder):
    """POST a body as it is; return the status and the parsed answer."""

    def post(body, *, content_type=JSON, encoding=None):
        headers = {} if encoding is None else {"HTTP_CONTENT_ENCODING": encoding}
        answer = feeder.post(BARS, body, content_type=content_type, **headers)
        return answer.status_code, answer.json()

    return post


def body_of(count, separator=None):
    bars = [json.dumps(raw_bar(day=day - 15_000)) for day in range(count)]
    return f"[{','.join(bars)}]".encode() if separator is None else separator.join(bars).encode()


# --- byte order mark, gzip, a bar a line


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        pytest.param(codecs.BOM_UTF8 + body_of(2), JSON, None, id="a byte order mark"),
        pytest.param(gzip.compress(body_of(2)), JSON, "gzip", id="gzip"),
        pytest.param(gzip.compress(codecs.BOM_UTF8 + body_of(2)), JSON, "GZIP", id="gzip with a byte order mark"),
        pytest.param(gzip.compress(body_of(2)), JSON, "x-gzip", id="gzip by its old name"),
        pytest.param(body_of(2), JSON, "identity", id="not packed, and said so"),
        pytest.param(body_of(2, "\n"), LINES, None, id="lines"),
        pytest.param(body_of(2, "\r\n\r\n") + b"\r\n", "application/jsonl", None, id="lines of Windows, some empty"),
        pytest.param(gzip.compress(codecs.BOM_UTF8 + body_of(2, "\n")), LINES, "gzip", id="all of it"),
    ],
)
def test_bars_are_read_however_the_body_is_written(send, body, content_type, encoding):
    status, answer = send(body, content_type=content_type, encoding=encoding)

    assert (status, answer["accepted"], answer["rejected"]) == (202, 2, [])


def test_a_line_is_one_bar_by_its_place(send):
    lines = [json.dumps(raw_bar(day=1)), "", json.dumps(raw_bar(day=2, low=99)), json.dumps([1]), "7"]

    status, answer = send("\n".join(lines), content_type=LINES)

    assert (status, answer["accepted"]) == (202, 1)
    assert [(one["index"], one["field"]) for one in answer["rejected"]] == [(1, "low"), (2, "bar"), (3, "bar")]


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "status", "detail"),
    [
        pytest.param(b'{"a": 1}\n{"a": ', LINES, None, 400, "Line 2: JSON parse error", id="a line that is cut off"),
        pytest.param(b'{"a": NaN}', LINES, None, 400, "Line 1: JSON parse error", id="NaN in a line"),
        pytest.param(b"\n\n", LINES, None, 400, "The list is empty", id="no line"),
        pytest.param(body_of(5_001, "\n"), LINES, None, 413, "may have 5,000 bars, not more", id="5,001 lines"),
        pytest.param(gzip.compress(body_of(5_001)), JSON, "gzip", 413, "not 5,001", id="5,001 bars in gzip"),
        pytest.param(body_of(1), JSON, "gzip", 400, "cannot be unpacked: Not a gzipped file", id="not gzip"),
        pytest.param(gzip.compress(body_of(9))[:-9], JSON, "gzip", 400, "cannot be unpacked", id="gzip, cut off"),
        pytest.param(
            gzip.compress(body_of(9))[:-8] + bytes(8), JSON, "gzip", 400, "cannot be unpacked", id="a wrong checksum"
        ),
        pytest.param(zlib.compress(body_of(1)), JSON, "deflate", 415, "'deflate' is not understood", id="deflate"),
        pytest.param(b"x", JSON, "br, gzip", 415, "send gzip, or none", id="packed twice"),
        pytest.param(gzip.compress(b""), JSON, "gzip", 400, "JSON parse error", id="nothing, packed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(send, body, content_type, encoding, status, detail):
    code, answer = send(body, content_type=content_type, encoding=encoding)

    assert (code, list(answer)) == (status, ["detail"])
    assert detail in answer["detail"]
    assert not Bar.objects.exists()


def test_a_bomb_is_refused_before_memory_grows(send):
    """A third of a gigabyte in a third of a megabyte; and a bomb whose outside is a JSON text."""
    packer = zlib.compressobj(wbits=31)
    million = b" " * 1_000_000
    bomb = b"".join([packer.compress(b"["), *(packer.compress(million) for _ in range(333)), packer.flush()])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for content_type in (JSON, LINES):
        status, answer = send(bomb, content_type=content_type, encoding="gzip")
        assert (status, answer["detail"]) == (413, "The body may have at most 10,000,000 bytes, packed and unpacked.")

    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 100_000


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"[" + b"[]," * 600_000 + b"[]]", JSON, id="lists"),
        pytest.param(b"[" + b"{}," * 600_000 + b"{}]", JSON, id="objects"),
        pytest.param(b"\n" * 600_000, LINES, id="lines"),
    ],
)
def test_millions_of_empty_pieces_are_refused_unread(send, monkeypatch, body, content_type):
    monkeypatch.setattr(JSONParser, "parse", lambda *_: pytest.fail("was read"))

    status, answer = send(gzip.compress(body), content_type=content_type, encoding="gzip")

    assert (status, answer) == (413, {"detail": "One request may have 5,000 bars, not more."})


def test_a_packed_body_may_have_parts_but_not_any_number_of_them(send):
    bars = body_of(2, "\n").splitlines(keepends=True)
    parts = b"".join(gzip.compress(bar) for bar in bars)

    assert send(parts, content_type=LINES, encoding="gzip")[0] == 202
    status, answer = send(parts + gzip.compress(b"") * 1_000, content_type=LINES, encoding="gzip")
    assert (status, answer) == (400, {"detail": "The body is said to be gzip and has more than 1,000 parts."})


def test_a_packed_body_that_is_itself_too_large_is_refused(send):
    status, _ = send(b"\x1f\x8b" + bytes(10_000_001), encoding="gzip")

    assert status == 413


# --- other programs' bars

SHORT = {"t": "2024-01-02T05:00:00Z", "o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 10, "n": 3, "vw": 1.0}
FRAME = {"Date": 1704153600000, "Open": 1.0, "High": 1.0, "Low": 1.0, "Close": 1.0, "Adj Close": 1.0, "Volume": 10}
KLINE = {"t": 1704171600000, "T": 1704171659999, "o": "1", "h": "1", "l": "1", "c": "1", "v": "1", "x": True}
TEXTS = ["1504541580000", "4235.4", "4240.6", "4230.0", "4230.7", "37.72"]
AGGREGATE = {"v": 10.0, "vw": 1.0, "o": 1.0, "c": 1.0, "h": 1.0, "l": 1.0, "t": 1704171600000, "n": 3}


@pytest.mark.parametrize(
    ("body", "whose"),
    [
        pytest.param([[1504541580000, 4235.4, 4240.6, 4230.0, 4230.7, 37.72]], "ccxt", id="ccxt"),
        pytest.param([1504541580000, 4235.4, 4240.6, 4230.0, 4230.7, 37.72], "ccxt", id="one row of it"),
        pytest.param([[1499040000000, "0.01", "0.8", "0.01", "0.01", "1", 1499644799999]], "ccxt", id="klines"),
        pytest.param({"bars": {"AAPL": [SHORT]}, "next_page_token": None}, "Alpaca", id="Alpaca, several symbols"),
        pytest.param({"bars": [SHORT], "symbol": "AAPL", "next_page_token": "x"}, "Alpaca", id="Alpaca, one symbol"),
        pytest.param({"bars": None, "next_page_token": None}, "Alpaca", id="Alpaca, no bars"),
        pytest.param({"ticker": "AAPL", "resultsCount": 1, "results": [AGGREGATE]}, "Polygon", id="Polygon"),
        pytest.param([AGGREGATE], "Polygon", id="Polygon's list alone"),
        pytest.param([{"T": "b", "S": "AAPL"} | SHORT], "Alpaca", id="Alpaca's stream"),
        pytest.param(SHORT, "Alpaca", id="one bar of it"),
        pytest.param([FRAME], "yfinance", id="records of a data frame"),
        pytest.param(FRAME, "yfinance", id="one of them"),
        pytest.param({name: {"0": 1.0} for name in FRAME}, "pandas", id="a data frame by columns"),
        pytest.param({"columns": ["Open"], "index": [1], "data": [[1.0]]}, "pandas", id="a data frame split"),
        pytest.param({name: [1.0] for name in "ohlcvt"} | {"s": "ok"}, "Finnhub", id="Finnhub"),
        pytest.param({"chart": {"result": [{"timestamp": [1]}], "error": None}}, "Yahoo", id="Yahoo's chart"),
        pytest.param({"Meta Data": {}, "Time Series (Daily)": {}}, "Alpha Vantage", id="Alpha Vantage"),
        pytest.param({"e": "kline", "s": "BTCUSDT", "k": KLINE}, "Binance", id="Binance's stream"),
        pytest.param({"stream": "x", "data": {"e": "kline", "k": KLINE}}, "Binance", id="Binance's combined stream"),
        pytest.param([TEXTS], "exchanges", id="rows of texts"),
        pytest.param({"code": "0", "data": [TEXTS]}, "exchange", id="OKX"),
        pytest.param({"retCode": 0, "result": {"symbol": "BTCUSDT", "list": [TEXTS]}}, "exchange", id="Bybit"),
        pytest.param({"status": "success", "data": {"candles": [[1504541580, 1, 1, 1, 1, 9]]}}, "exchange", id="Kite"),
    ],
)
def test_other_programs_bars_are_refused_with_the_shape_wanted_and_the_command_that_reads_them(send, body, whose):
    status, answer = send(json.dumps(body))

    assert (status, list(answer)) == (400, ["detail"])
    assert whose in answer["detail"]
    assert '{"symbol": "TSLA", "timeframe": "1m", "timestamp": "2024-05-31T13:30:00Z", "open"' in answer["detail"]
    assert "manage.py replay FILE" in answer["detail"]


def test_they_are_recognised_a_line_at_a_time_too(send):
    status, answer = send("[1504541580000,1,1,1,1,1]\n[1504541640000,1,1,1,1,1]", content_type=LINES)

    assert (status, "manage.py replay FILE" in answer["detail"]) == (400, True)


def test_our_bars_in_an_object_are_refused_with_the_way_to_send_them(send):
    for holder in ("bars", "data", "candles"):
        status, answer = send(json.dumps({holder: [raw_bar()]}))

        assert status == 400
        assert answer["detail"].startswith("Send the list of bars itself")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(raw_bar(), id="our bar"),
        pytest.param([raw_bar()], id="our bars"),
        pytest.param(raw_bar() | SHORT, id="our bar with short names beside its own"),
        pytest.param(raw_bar() | {"bars": [], "results": []}, id="our bar with other keys"),
        pytest.param([], id="nothing"),
        pytest.param({}, id="an empty object"),
        pytest.param(raw_bar() | {"data": {"note": [1, 2]}, "k": {}}, id="our bar with objects in it"),
        pytest.param({"data": [[1, 2]], "list": []}, id="arrays too short for a bar"),
        pytest.param([["not", "a", "bar", "at", "all"]], id="a list of texts"),
        pytest.param(["t", "o", "h", "l", "c"], id="texts"),
        pytest.param("tohlc", id="a text"),
        pytest.param(None, id="null"),
    ],
)
def test_what_is_not_plainly_foreign_is_left_to_ingest(body):
    assert refusal(body) is None


# --- numbers as text


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("text", ["11", "11.5", "1,000", "", " 11 ", "NaN"])
def test_a_number_as_text_is_refused_by_field_and_value(send, field, text):
    status, answer = send(json.dumps(raw_bar(**{field: text})))

    assert status == 400
    (rejected,) = answer["rejected"]
    assert (rejected["field"], rejected["reason"]) == (field, "invalid")
    assert rejected["message"] == f"{field} must be a number, not the text {text!r}"
