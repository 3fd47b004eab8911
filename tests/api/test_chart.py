"""`chart`: parameters and permissions."""

import pytest

from tests.api.conftest import API
from tests.conftest import accept_days, make_symbol


def test_a_chart_needs_a_signed_in_user_even_if_the_status_is_public(anonymous, reader, symbol, settings):
    settings.SCANNER_PUBLIC_STATUS = True

    assert anonymous.get(f"{API}/chart?symbol=TSLA").status_code == 401
    assert reader.get(f"{API}/chart?symbol=TSLA").status_code == 200


def test_a_chart_is_found_by_a_ticker_with_a_slash_in_lower_case(reader):
    accept_days("BTC/USD", 2)

    body = reader.get(f"{API}/chart?symbol=btc%2Fusd").json()

    assert (body["symbol"], body["timeframes"], body["timeframe"]) == ("BTC/USD", ["1d"], "1d")
    assert [bar["timestamp"] for bar in body["bars"]] == ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]


@pytest.mark.parametrize("ticker", ["NONE", "a b", "x" * 40])
def test_a_chart_of_an_unknown_symbol_is_a_404(reader, ticker):
    answer = reader.get(f"{API}/chart", {"symbol": ticker})

    assert (answer.status_code, answer.json()) == (404, {"detail": f"Symbol {ticker.upper()} not found"})


@pytest.mark.parametrize(
    ("query", "field"),
    [({}, "symbol"), ({"symbol": "TSLA", "timeframe": "7m"}, "timeframe"), ({"symbol": "TSLA", "limit": 0}, "limit")],
)
def test_an_invalid_parameter_of_a_chart_is_a_400_that_names_it(reader, query, field):
    make_symbol("TSLA")

    answer = reader.get(f"{API}/chart", query)

    assert answer.status_code == 400
    assert set(answer.json()) == {field}
