"""Which key of a message becomes which field of a bar."""

import json
from datetime import UTC, datetime

import pytest

from scanner_app.domain.timeframes import normal_name
from scanner_app.feeds.hooks import mapping, tradingview

BAR = {
    "symbol": "TSLA",
    "timeframe": "1m",
    "timestamp": "2024-05-31T14:30:00Z",
    "open": 10.0,
    "high": 12.0,
    "low": 9.0,
    "close": 11.0,
    "volume": 1000.0,
}
MINUTE = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)


def read(wanted, message):
    return mapping.raw_bar(
        mapping.sources(wanted), message, of_tradingview=isinstance(wanted, str) and wanted == mapping.TRADINGVIEW
    )


def test_an_empty_mapping_reads_bars_as_the_api_has_them():
    assert read({}, BAR) == BAR


def test_keys_are_renamed_also_inside_of_objects_and_lists_and_other_keys_ignored():
    wanted = {"symbol": "s", "open": "data.k.0", "close": "data.last.price", "timeframe": "a.b"}
    message = {"s": "TSLA", "data": {"k": [1.5], "last": {"price": 2}}, "a.b": "1h", "open": "not this", "extra": 1}

    assert read(wanted, message) == {"symbol": "TSLA", "open": 1.5, "close": 2, "timeframe": "1h"}


@pytest.mark.parametrize("path", ["data.k.7", "data.k.x", "data.nothing", "data.k.0.deeper", "nothing.at.all", "."])
def test_a_path_that_leads_nowhere_leaves_the_field_out(path):
    assert "open" not in read({"open": path}, {"data": {"k": [1]}})


def test_constants_are_in_every_bar_whatever_the_message_says():
    wanted = {"symbol": {"constant": "btc/usd"}, "timeframe": {"constant": "60m"}, "closed": {"constant": "true"}}

    bar = read(wanted, {"symbol": "X", "timeframe": "1d", "closed": False})

    assert bar == {"symbol": "BTC/USD", "timeframe": "1h", "closed": True}


@pytest.mark.parametrize(
    ("text", "number"),
    [("178.5", 178.5), (" 1e3 ", 1000.0), ("-3.25", -3.25), (".5", 0.5), ("7", 7.0), ("+1.", 1.0)],
)
def test_numbers_may_be_text(text, number):
    assert read({}, {"open": text})["open"] == number


@pytest.mark.parametrize("text", ["1,234.5", "1_000", "", "nan", "inf", "0x1F", "{{open}}", "٣", "1e"])
def test_text_that_is_no_plain_number_is_left_for_ingest_to_refuse(text):
    assert read({}, {"open": text}) == {"open": text}


@pytest.mark.parametrize("nothing", [None, "", "NaN", "na", "n/a", float("nan")])
def test_a_volume_of_nothing_is_unknown(nothing):
    assert read({}, {"volume": nothing}) == {}


@pytest.mark.parametrize(
    "value",
    [1717165800, "1717165800", 1717165800000, "1717165800000", 1717165800000000, 1717165800.0, " 1717165800 "],
)
@pytest.mark.parametrize("field", ["timestamp", "sent_at"])
def test_unix_times_are_read_in_the_unit_that_their_size_tells(field, value):
    assert read({}, {field: value}) == {field: MINUTE}


@pytest.mark.parametrize("value", ["2024-05-31T14:30:00Z", 12, "12", "yesterday", True, [1], "9" * 40])
def test_other_times_are_left_to_ingest(value):
    assert read({}, {"timestamp": value}) == {"timestamp": value}


@pytest.mark.parametrize(("sent", "closed"), [("true", True), ("False", False), (1, True), (False, False), ("x", "x")])
def test_truths_may_be_text(sent, closed):
    assert read({}, {"closed": sent}) == {"closed": closed}


def test_a_ticker_or_a_timeframe_that_is_a_number_is_text():
    assert read({}, {"symbol": 7203, "timeframe": 60}) == {"symbol": "7203", "timeframe": "60"}


def test_the_text_to_paste_has_every_key_that_the_mapping_looks_for_and_gives_a_bar():
    filled = tradingview.MESSAGE
    values = {"ticker": "AAPL", "interval": "5", "time": "2024-05-31T14:30:00Z", "timenow": "2024-05-31T14:35:00Z"}
    values |= {"open": "190.1", "high": "191", "low": "190", "close": "190.55", "volume": "120345"}
    for name, value in values.items():
        filled = filled.replace(f"{{{{{name}}}}}", value)

    bar = read("tradingview", json.loads(filled))

    assert "{{" not in filled
    assert bar == {
        "symbol": "AAPL",
        "timeframe": "5",
        "timestamp": "2024-05-31T14:30:00Z",
        "open": 190.1,
        "high": 191.0,
        "low": 190.0,
        "close": 190.55,
        "volume": 120345.0,
        "sent_at": "2024-05-31T14:35:00Z",
    }


@pytest.mark.parametrize(
    ("interval", "ours"),
    [("1", "1m"), ("60", "1h"), ("240", "4h"), ("D", "1d"), ("1D", "1d"), ("W", "1w"), ("M", "1M"), ("1S", "1s")],
)
def test_tradingviews_intervals_are_timeframes(interval, ours):
    assert normal_name(read("tradingview", {"interval": interval})["timeframe"]) == ours


@pytest.mark.parametrize("interval", ["1T", "10T", "100T", "5R", "45", "12M"])
def test_ticks_ranges_and_unknown_intervals_are_no_timeframes(interval):
    assert normal_name(read("tradingview", {"interval": interval})["timeframe"]) is None


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param("tradingvew", 'must be "tradingview", or an object', id="an unknown name"),
        pytest.param(["open"], 'must be "tradingview", or an object', id="a list"),
        pytest.param(None, 'must be "tradingview", or an object', id="nothing"),
        pytest.param({"hgh": "h"}, "'hgh' is no field; the fields are symbol", id="an unknown field"),
        pytest.param({"open": 5}, "open must be a key", id="a number for a key"),
        pytest.param({"open": ""}, "open must be a key", id="an empty key"),
        pytest.param({"open": "x" * 201}, "open must be a key", id="too long a key"),
        pytest.param({"open": {"constant": 5}}, "open can't be a constant", id="a constant price"),
        pytest.param({"timestamp": {"constant": "now"}}, "timestamp can't be a constant", id="a constant time"),
        pytest.param({"symbol": {"constant": "A,B"}}, "symbol 'A,B' may only have", id="a bad ticker"),
        pytest.param({"symbol": {"constant": None}}, "symbol must be text", id="no ticker"),
        pytest.param({"timeframe": {"constant": "7m"}}, "timeframe must be one of 1s", id="a bad timeframe"),
        pytest.param({"timeframe": {"constant": "x" * 999}}, "timeframe must be one of", id="a long timeframe"),
        pytest.param({"closed": {"constant": 3}}, "closed must be true or false", id="a bad truth"),
        pytest.param({"symbol": {"constant": "A", "key": "b"}}, "symbol must be a key", id="both"),
    ],
)
def test_a_wrong_mapping_is_refused_by_the_field(wanted, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")) as refused:
        mapping.sources(wanted)
    assert len(str(refused.value)) < 500
