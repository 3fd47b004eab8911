"""Tickers with characters that mean something in addresses, patterns and pages: found at every address, in any case.

Each test has all of them on one watch list, so that a ticker taken for a pattern would find its neighbours too.
"""

from urllib.parse import quote

import pytest

from scanner_app.models import Bar, Symbol
from tests.api.conftest import API
from tests.conftest import raw_bar
from tests.odd_tickers import ODD_TICKERS

ALIAS = "/api/scanner"


def answered(answer, code=200):
    assert answer.status_code == code, (answer.request["PATH_INFO"], answer.content)
    return answer.json()


def address(ticker, prefix=API):
    return f"{prefix}/symbols/{quote(ticker.lower(), safe='')}"


@pytest.fixture
def watched(feeder):
    """All of them, with a bar each."""
    body = answered(feeder.post(f"{API}/bars", [raw_bar(ticker) for ticker in ODD_TICKERS], format="json"), 202)
    assert body["accepted"] == len(ODD_TICKERS)


@pytest.mark.parametrize(("prefix", "end"), [(API, ""), (API, "/"), (ALIAS, ""), (ALIAS, "/")])
def test_a_symbol_is_found_at_each_of_its_addresses(watched, reader, prefix, end):
    for ticker in ODD_TICKERS:
        at = address(ticker, prefix)
        assert {answered(reader.get(f"{at}{path}{end}"))["symbol"] for path in ("", "/status", "/explain")} == {ticker}
        assert answered(reader.get(f"{at}/timeline{end}"))["results"][0]["kind"] == "created"
        assert answered(reader.get(f"{at}/gaps{end}"))["results"] == []


def test_lists_are_filtered_by_the_ticker_as_it_stands(watched, reader):
    for ticker in ODD_TICKERS:
        symbol = quote(ticker.lower(), safe="")
        bars = answered(reader.get(f"{API}/bars?symbol={symbol}"))["results"]
        listed = answered(reader.get(f"{API}/symbols?symbol={symbol}"))["results"]
        chart = answered(reader.get(f"{API}/chart?symbol={symbol}"))
        assert [one["symbol"] for one in (*bars, *listed, chart)] == [ticker] * 3


def test_acts_reach_the_one_symbol(watched, operator):
    for ticker in ODD_TICKERS:
        assert answered(operator.patch(address(ticker), {"calendar": "XNYS"}, format="json"))["calendar"] == "XNYS"
        assert answered(operator.post(f"{address(ticker)}/disable"))["enabled"] is False
        assert Symbol.objects.filter(enabled=False).get().ticker == ticker
        offered = answered(operator.get(f"{address(ticker)}/explain"))["actions"]
        (enable,) = [one for one in offered if one["name"] == "enable"]
        assert answered(operator.post(enable["path"]))["symbol"] == ticker
        answered(operator.post(f"{address(ticker)}/skip"))
        assert answered(operator.post(f"{API}/quarantine/discard", {"symbol": ticker}, format="json")) == {"count": 1}
        assert Bar.objects.get(symbol__ticker=ticker).status == "discarded"


def test_each_can_be_deleted_and_no_other(watched, operator):
    left = set(ODD_TICKERS)
    for ticker in ODD_TICKERS:
        body = answered(operator.delete(f"{address(ticker)}?force=true"), 202)
        left.remove(ticker)
        assert body == {"detail": f"Symbol {ticker} is being deleted"}
        assert set(Symbol.objects.filter(deleted_at=None).values_list("ticker", flat=True)) == left


@pytest.mark.parametrize("ticker", ["A,B", "A\\B", "SKIP", "ÄÖ", " A", "A/STATUS", "A" * 33])
def test_what_is_no_ticker_is_refused_and_has_no_address(feeder, ticker):
    body = answered(feeder.post(f"{API}/bars", raw_bar(ticker), format="json"), 400)

    assert [(one["field"], one["reason"]) for one in body["rejected"]] == [("symbol", "invalid")]
    # An action's name is the address of that action on many symbols, which is no page to read.
    assert feeder.get(address(ticker)).status_code == (405 if ticker == "SKIP" else 404)
