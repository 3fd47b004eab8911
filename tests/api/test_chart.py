"""`chart`: whose series, and for whom."""

import pytest

from tests.api.conftest import API
from tests.conftest import accept_days, make_symbol


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
