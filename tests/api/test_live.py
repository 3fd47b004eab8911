"""The endpoints of the live pages."""

import gzip
import json

import pytest

from scanner_app.api.live import BoardOut, BoardRowOut
from scanner_app.reading.board import Board
from tests.api.conftest import API
from tests.conftest import accept_days, make_symbol


@pytest.fixture(autouse=True)
def fresh_board(monkeypatch):
    monkeypatch.setattr("scanner_app.api.live.BOARD", Board())


def test_the_board_is_as_it_is_documented(reader, symbol):
    body = reader.get(f"{API}/board").json()

    assert set(body) == set(BoardOut().fields)
    assert set(body["symbols"][0]) == set(BoardRowOut().fields)


def test_an_unchanged_board_is_not_sent_again(reader, symbol):
    first = reader.get(f"{API}/board")

    again = reader.get(f"{API}/board", headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_it_is_sent_compressed_to_those_who_can_unpack_it(reader, symbol):
    packed = reader.get(f"{API}/board", headers={"Accept-Encoding": "gzip, br"})
    plain = reader.get(f"{API}/board")

    assert packed["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain
    assert plain.json() == json.loads(gzip.decompress(packed.content))
    assert "Accept-Encoding" in packed["Vary"]


def test_the_board_is_for_those_who_may_read_the_status(anonymous, reader, settings):
    assert anonymous.get(f"{API}/board").status_code == 401
    assert reader.get(f"{API}/board").status_code == 200

    settings.SCANNER_PUBLIC_STATUS = True

    assert anonymous.get(f"{API}/board").status_code == 200


def test_a_chart_is_for_those_who_are_signed_in(anonymous, reader, symbol, settings):
    settings.SCANNER_PUBLIC_STATUS = True

    assert anonymous.get(f"{API}/chart?symbol=TSLA").status_code == 401
    assert reader.get(f"{API}/chart?symbol=TSLA").status_code == 200


def test_a_chart_of_a_symbol_with_an_odd_ticker_in_any_case(reader):
    accept_days("BTC/USD", 2)

    body = reader.get(f"{API}/chart?symbol=btc%2Fusd").json()

    assert (body["symbol"], body["timeframes"], body["timeframe"]) == ("BTC/USD", ["1d"], "1d")
    assert [bar["timestamp"] for bar in body["bars"]] == ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]


@pytest.mark.parametrize("ticker", ["NONE", "a b", "x" * 40])
def test_a_chart_of_a_symbol_that_there_is_not(reader, ticker):
    answer = reader.get(f"{API}/chart", {"symbol": ticker})

    assert (answer.status_code, answer.json()) == (404, {"detail": f"Symbol {ticker.upper()} not found"})


@pytest.mark.parametrize(
    ("asked", "field"),
    [({}, "symbol"), ({"symbol": "TSLA", "timeframe": "7m"}, "timeframe"), ({"symbol": "TSLA", "limit": 0}, "limit")],
)
def test_a_chart_names_the_parameter_that_is_wrong(reader, asked, field):
    make_symbol("TSLA")

    answer = reader.get(f"{API}/chart", asked)

    assert answer.status_code == 400
    assert set(answer.json()) == {field}
