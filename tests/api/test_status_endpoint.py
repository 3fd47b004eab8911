"""`status`: its shape, its ETag, its price."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scanner_app import mailbox
from scanner_app.models import Symbol, SymbolStatus
from tests.api.conftest import API
from tests.conftest import T0, accept_days, make_symbol


def test_the_answer_has_every_field_of_the_contract(reader):
    accept_days("TSLA", 2)

    body = reader.get(f"{API}/status").json()

    (shown,) = body.pop("symbols")
    assert body == {
        "overall_status": "healthy",
        "reasons": [],
        "alerts": 0,
        "total_symbols": 1,
        "enabled_symbols": 1,
        "healthy_symbols": 1,
        "paused_symbols": 0,
        "failed_symbols": 0,
        "bars_per_second": 0.0,
        "backlog": 2,
    }
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": Symbol.objects.get().pk,
        "symbol": "TSLA",
        "state": "processing",
        "last_processed": None,
        "consecutive_failures": 0,
        "circuit_state": "closed",
        "avg_latency_ms": 0.0,
        "p95_latency_ms": 0,
        "bars_processed": 0,
        "backlog": 2,
        "last_bar_time": None,
        "last_error": None,
        "next_attempt_at": None,
        "enabled": True,
        "lane": "main",
    }


@pytest.mark.parametrize("path", ["/api/v1/scanner/status", "/api/v1/scanner/status/", "/api/scanner/status"])
def test_it_is_there_under_both_prefixes_and_with_a_slash(reader, path):
    assert reader.get(path).json()["overall_status"] == "healthy"


def test_a_client_that_has_the_present_state_gets_304_until_it_changes(reader):
    accept_days("TSLA", 1)
    etag = reader.get(f"{API}/status")["ETag"]

    same = reader.get(f"{API}/status", HTTP_IF_NONE_MATCH=etag)
    mailbox.disable(Symbol.objects.get(), by="olga", now=T0)
    changed = reader.get(f"{API}/status", HTTP_IF_NONE_MATCH=etag)

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert changed["ETag"] != etag


@pytest.mark.parametrize("symbols", [20, 200])
def test_it_takes_six_queries_for_20_symbols_and_for_200(reader, symbols):
    for number in range(symbols):
        make_symbol(f"S{number}")
    SymbolStatus.objects.update(latencies=[[50, int(T0.timestamp())]], avg_latency_ms=50, last_processed_at=T0)

    with CaptureQueriesContext(connection) as queries:
        body = reader.get(f"{API}/status").json()

    assert body["total_symbols"] == len(body["symbols"]) == symbols
    assert len(queries) == 6, "the token's user; symbols, latencies, alerts, evaluation, bars of the last ten s"
    assert not any('"newest"' in query["sql"] for query in queries), "kilobytes that nothing shows"


def test_symbols_are_in_the_order_of_their_tickers(reader):
    for ticker in ("TSLA", "BRKA", "BRK.B", "BTC/USD"):
        make_symbol(ticker)

    assert [one["symbol"] for one in reader.get(f"{API}/status").json()["symbols"]] == [
        "BRK.B",
        "BRKA",
        "BTC/USD",
        "TSLA",
    ]
