"""Delimiter, preamble and header of a text."""

import pytest

from scanner_app.feeds.reader.dialect import find_dialect
from scanner_app.feeds.reader.head import find_head

ROWS = [["2024-01-02", "1", "3", "0.5", "2", "100"], ["2024-01-03", "1", "3", "0.5", "2", "100"]]
NAMES = ["Date", "Open", "High", "Low", "Close", "Volume"]


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        pytest.param(["Date,Open,High,Low,Close", "2024-01-02,1,3,0.5,2"], ",", id="commas"),
        pytest.param(["Date;Open;High;Low;Close", "2024-01-02;1,1;3,1;0,5;2,2"], ";", id="with decimal commas"),
        pytest.param(["20240102;1,1;3,1;0,5;2,2;5"], ";", id="decimal commas without a header"),
        pytest.param(["Date\tOpen\tHigh\tLow\tClose", "2024-01-02\t1\t3\t0.5\t2"], "\t", id="tabs"),
        pytest.param(["Date|Open|High|Low|Close", "2024-01-02|1|3|0.5|2"], "|", id="bars"),
        pytest.param(["Date Open High Low Close", "2024-01-02 1 3 0.5 2"], " ", id="spaces"),
        pytest.param(["2024-01-02 14:30;1;3;0.5;2"], ";", id="a space in the time"),
        pytest.param(["sep=|", "x"], "|", id="Excel's own line"),
        pytest.param(['"Date","Open","High","Low","Close"', '"Jan 2, 2024","1,000","3","0.5","2"'], ",", id="quotes"),
        pytest.param(["A title; of, some | sort", *["2024-01-02,1,3,0.5,2"] * 5], ",", id="a title above"),
        pytest.param(["x"], ",", id="nothing to go by"),
    ],
)
def test_the_delimiter_is_the_one_that_makes_sense_of_the_cells(lines, delimiter):
    assert find_dialect([f"{line}\n" for line in lines]).delimiter == delimiter


@pytest.mark.parametrize(
    ("rows", "header", "before"),
    [
        pytest.param([NAMES, *ROWS], [NAMES], 1, id="one row"),
        pytest.param([["https://x.example"], NAMES, *ROWS], [NAMES], 2, id="an address before it"),
        pytest.param([["Symbol: ACME"], ["Open orders: none"], NAMES, *ROWS], [NAMES], 3, id="lines before it"),
        pytest.param(ROWS, [], 0, id="none"),
        pytest.param([["sep=,"], *ROWS], [], 1, id="none, and a line before the data"),
        pytest.param([NAMES, ["", "(USD)", "(USD)", "(USD)", "(USD)", ""], *ROWS], [NAMES, None], 2, id="units"),
        pytest.param([["Zeit", "A", "B", "C", "D", "E"], *ROWS], [["Zeit", "A", "B", "C", "D", "E"]], 1, id="unknown"),
        pytest.param([NAMES], [NAMES], 1, id="a header alone"),
        pytest.param([NAMES, ["2024-01-01", *["null"] * 5], *ROWS], [NAMES], 1, id="a first day without prices"),
        pytest.param([["Date", "Open"], *ROWS], [["Date", "Open"]], 1, id="too few names are still names"),
    ],
)
def test_the_header_is_found(rows, header, before):
    head = find_head(rows)

    assert head.before == before
    assert len(head.header) == len(header)
    assert all(list(found) == row for found, row in zip(head.header, header, strict=True) if row is not None)


def test_no_header_means_that_the_first_row_of_data_is_the_first():
    assert find_head([NAMES, *ROWS], no_header=True).header == ()
