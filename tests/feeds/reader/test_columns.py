"""Columns are found by their names, one table of them for all vendors."""

import pytest

from scanner_app.feeds.reader.columns import find_columns
from scanner_app.feeds.reader.errors import Unsettled
from scanner_app.feeds.reader.names import _TABLE, field_of


def found(*header, **given):
    return find_columns([row.split(",") for row in header], given)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        pytest.param("<OPEN>", "open", id="angle brackets"),
        pytest.param("Open_Price ", "open", id="signs and spaces"),
        pytest.param("1. open", "open", id="numbered"),
        pytest.param("Close (USD)", "close", id="a currency"),
        pytest.param("Close/Last", "close", id="Nasdaq.com's"),
        pytest.param("Volume BTC", "volume", id="the volume in a currency"),
        pytest.param("T", "symbol", id="Polygon's ticker"),
        pytest.param("t", "time", id="Polygon's time"),
        pytest.param("", "index", id="an index without a name"),
        pytest.param("Adj Close", None, id="the adjusted close is not the close"),
        pytest.param("Open Interest", None, id="open interest is no price"),
        pytest.param("Close time", None, id="nor is the time of the close"),
        pytest.param("Volume MA", None, id="nor an average a volume"),
        pytest.param("%", None, id="nothing but a sign"),
    ],
)
def test_a_name_stands_for_a_field(name, field):
    assert (field_of(name) or (None,))[0] == field


def test_every_name_of_the_table_means_its_field():
    assert [(field, name) for field, name, _ in _TABLE if (field_of(name) or (None,))[0] != field] == []


def test_the_first_name_of_the_table_counts_if_a_header_has_several():
    columns = found("Date,unix,Price,Last,Close,Open,High,Low,Tick Volume,Volume")

    (group,) = columns.groups
    assert (group.close, group.volumes, columns.times) == (4, (9, 8), (1, 0))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(("Price,Close,High,Low,Open", "Ticker,A,A,A,A", "Date,,,,"), id="yfinance, one symbol"),
        pytest.param(("Ticker,A,A,A,A", "Price,Close,High,Low,Open", "Date,,,,"), id="grouped by ticker"),
        pytest.param((",Close,High,Low,Open", ",A,A,A,A", "Date,,,,"), id="older"),
        pytest.param((",A.Close,A.High,A.Low,A.Open",), id="quantmod"),
        pytest.param(("Date,Close_A,High_A,Low_A,Open_A",), id="flattened"),
        pytest.param(("Date;('Close', 'A');('High', 'A');('Low', 'A');('Open', 'A')",), id="pairs"),
    ],
)
def test_a_symbol_in_the_header_belongs_to_its_columns(header):
    columns = find_columns([row.split(";" if ";" in row else ",") for row in header], {})

    (group,) = columns.groups
    assert (group.symbol, group.prices, columns.times) == ("A", (4, 2, 3, 1), (0,))


def test_a_symbol_that_lacks_a_column_is_left_out():
    columns = found("Date,A.Open,A.High,A.Low,A.Close,B.Open,B.High,B.Low,B.Close,C.Close")

    assert [group.symbol for group in columns.groups] == ["A", "B"]


def test_columns_can_be_given_by_name_and_number():
    columns = found("Zeit,Kurs,High,Low,Close,Stück", timestamp="Zeit", open="2", volume="stück")

    (group,) = columns.groups
    assert (columns.times, group.open, group.volumes) == ((0,), 1, (5,))


@pytest.mark.parametrize(
    ("header", "given", "message"),
    [
        pytest.param(
            "Date,Close", {}, r"no column for open \(or o, .*; high .*Columns found: Date, Close", id="missing"
        ),
        pytest.param("Date,Close", {}, "--columns open=NAME", id="with the option"),
        pytest.param("Date,Close", {"open": "Kurs"}, "there is no column 'Kurs' for open", id="an unknown name"),
        pytest.param("Date,Close", {"open": "3"}, "there is no column '3' for open", id="a number too high"),
    ],
)
def test_what_is_missing_is_named(header, given, message):
    with pytest.raises(Unsettled, match=message):
        found(header, **given)
