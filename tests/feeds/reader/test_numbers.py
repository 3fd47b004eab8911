"""Numbers in the ways that files write them, found for the whole file."""

from decimal import Decimal

import pytest

from scanner_app.feeds.reader.errors import FeedError, Unsettled
from scanner_app.feeds.reader.numbers import NumberForm, find_form, reader
from scanner_app.feeds.reader.shapes import Shapes


def shapes(*cells):
    made = Shapes()
    made.add(range(2, 2 + len(cells)), cells)
    return made


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param("1.5", 1.5, id="text"),
        pytest.param(" 1e3 ", 1000.0, id="an exponent, spaces"),
        pytest.param(3, 3.0, id="an integer"),
        pytest.param(Decimal("0.1"), 0.1, id="a decimal"),
        pytest.param("-1.5", -1.5, id="below zero"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="null"),
        pytest.param("null", None, id="the word for it"),
        pytest.param("NaN", None, id="pandas' word for it"),
        pytest.param(float("nan"), None, id="NaN"),
        pytest.param("1_000", "1_000", id="underscores are no number"),
        pytest.param("soon", "soon", id="a word"),
        pytest.param("=1+2", "=1+2", id="a formula"),
        pytest.param(True, True, id="a truth value is no number"),
    ],
)
def test_a_plain_number_is_read_and_what_is_none_is_left(cell, number):
    read = reader(NumberForm())(cell)

    assert read == number
    assert type(read) is type(number)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param("3,412.50", 3412.5, id="thousands"),
        pytest.param("12,34,567.5", 1234567.5, id="India's thousands"),
        pytest.param("$185.64", 185.64, id="a currency"),
        pytest.param("-$1.50", -1.5, id="below zero"),
        pytest.param("(1.50)", -1.5, id="an accountant's minus"),
        pytest.param("\u22121.50", -1.5, id="a typographer's minus"),
        pytest.param("185.64 EUR", 185.64, id="a currency's code"),
        pytest.param("150.25K", 150250.0, id="thousands in a letter"),
        pytest.param("1.1M", 1100000.0, id="exactly"),
        pytest.param("2B", 2e9, id="a billion"),
        pytest.param("1'234.5", 1234.5, id="Swiss"),
        pytest.param("1\u202f234.5", 1234.5, id="French"),
        pytest.param("-", None, id="nothing"),
        pytest.param("1,2x", "1,2x", id="no number"),
        pytest.param("K", "K", id="a letter alone"),
        pytest.param("1_000", "1_000", id="underscores"),
    ],
)
def test_a_written_number_is_read(cell, number):
    assert reader(NumberForm(plain=False))(cell) == number


@pytest.mark.parametrize(("cell", "number"), [("3.412,50", 3412.5), ("0,5", 0.5), ("1.234.567", 1234567.0), ("5", 5.0)])
def test_decimal_commas_are_read(cell, number):
    assert reader(NumberForm(decimal=",", plain=False))(cell) == number


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        pytest.param(["1.5", "1"], ".", id="a point"),
        pytest.param(["154.005"], ".", id="a point before three digits is one"),
        pytest.param(["1,234.5"], ".", id="both: the last is it"),
        pytest.param(["1.234,5"], ",", id="both the other way"),
        pytest.param(["1,234", "2.5"], ".", id="another cell decides"),
        pytest.param(["1.234", "2,5"], ",", id="and the other way"),
        pytest.param(["0,123"], ",", id="no thousands begin with zero"),
        pytest.param(["1,234,567"], ".", id="a sign that comes twice is none"),
        pytest.param(["1.234.567"], ",", id="nor is the point"),
        pytest.param(["1234,567"], ",", id="four digits before a comma"),
    ],
)
def test_the_decimal_sign_is_found_from_all_cells(cells, decimal):
    assert find_form([shapes(*cells)], None).decimal == decimal


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        pytest.param(["3,412"], "line 2 has 3,412: thousands, or a decimal comma? Say --decimal", id="in doubt"),
        pytest.param(["1,5", "1.5"], "line 3 has 1.5, line 2 has 1,5", id="both"),
    ],
)
def test_a_decimal_sign_in_doubt_is_refused_with_the_option(cells, message):
    with pytest.raises(Unsettled) as caught:
        find_form([shapes(*cells)], None)

    assert message in str(caught.value)
    assert find_form([shapes(*cells)], ",").decimal == ","


def test_what_decided_is_said(read):
    feed = read('Date,Open,High,Low,Close,Vol\n2024-01-02,"1,5","3,1","0,5","2,0",100\n')

    assert "decimal commas, because line 2 has 0,5" in feed.plan.notes


def test_a_point_that_is_one_for_certain_is_found_among_those_that_may_be_thousands(read):
    rows = "2024-01-02;154.005;154.005;154.005;154.005;1,5\n" * 5 + "2024-01-03;154.01;154.01;154.01;154.01;1,5\n"

    with pytest.raises(FeedError, match=r"line 7 has 154\.01, line 2 has 1,5: .*--decimal"):
        read("Date;Open;High;Low;Close;Volume\n" + rows)


def test_percentages_are_no_prices(read):
    with pytest.raises(FeedError, match=r"the column Close holds percentages: line 2 has 0.3%"):
        read("Date,Open,High,Low,Close\n2024-01-02,1,3,0.5,0.3%\n")
