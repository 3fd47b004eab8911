"""`status`: fields, ETag, queries."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.renderers import JSONRenderer

from scanner_app import mailbox
from scanner_app.api.status import OverviewOut
from scanner_app.domain.enums import AlertState
from scanner_app.models import Alert, Symbol, SymbolStatus
from scanner_app.reading import status
from scanner_app.reading.board import Board
from tests.api.conftest import API
from tests.conftest import T0, accept_days, fail_head, make_symbol, start_head


def test_the_status_has_every_documented_field(reader):
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
        "stale_symbols": 0,
        "watcher": None,
        "alarm_path": {
            "proven_at": None,
            "failed_at": None,
            "failed_step": "",
            "detail": "",
            "said": "alarm path never proven: see manage.py drill",
        },
    }
    assert shown.pop("data_age_seconds") > 0
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
        "is_stale": False,
        "stale_for_s": 0.0,
        "calendar": "XNYS",
        "gaps": 0,
        "disabled_until": None,
        "p95_limit_ms": 200,
    }


@pytest.mark.parametrize("path", ["/api/v1/scanner/status", "/api/v1/scanner/status/", "/api/scanner/status"])
def test_the_status_answers_under_both_prefixes_and_with_a_trailing_slash(reader, path):
    assert reader.get(path).json()["overall_status"] == "healthy"


def test_a_client_with_the_current_etag_gets_304_until_the_status_changes(reader):
    accept_days("TSLA", 1)
    etag = reader.get(f"{API}/status")["ETag"]

    same = reader.get(f"{API}/status", HTTP_IF_NONE_MATCH=etag)
    mailbox.disable(Symbol.objects.get(), by="olga", now=T0)
    changed = reader.get(f"{API}/status", HTTP_IF_NONE_MATCH=etag)

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert changed["ETag"] != etag


def test_the_answer_is_what_the_schemas_serializer_would_write(reader, monkeypatch):
    accept_days("TSLA", 2)
    mailbox.complete(start_head(Symbol.objects.get()), [], now=T0 + timedelta(milliseconds=123))
    mailbox.complete(start_head(Symbol.objects.get()), [], now=T0 + timedelta(milliseconds=200))
    accept_days("BTC/USD", 2)
    fail_head(Symbol.objects.get(ticker="BTC/USD"), 3, now=T0)
    now = T0 + timedelta(seconds=1, microseconds=500)
    monkeypatch.setattr("scanner_app.api.status.timezone.now", lambda: now)

    answer = reader.get(f"{API}/status")

    expected = JSONRenderer().render(OverviewOut(status.overview(now)).data)
    assert json.loads(answer.content) == json.loads(expected)
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("symbols", [20, 200])
def test_the_status_takes_eight_queries_for_20_symbols_and_for_200(reader, symbols):
    for number in range(symbols):
        make_symbol(f"S{number}")
    SymbolStatus.objects.update(latencies=[[250, int(T0.timestamp())]], longest_latency_ms=250, last_processed_at=T0)

    with CaptureQueriesContext(connection) as queries:
        body = reader.get(f"{API}/status").json()

    assert body["total_symbols"] == len(body["symbols"]) == symbols
    assert len(queries) == 8, (
        "token, its user, symbols, latencies, alerts, last evaluation, bars of the last 10 s, drills"
    )
    (rows,) = [query["sql"] for query in queries if "circuitbreaker" in query["sql"]]
    assert '"latencies"' not in rows, "they are kilobytes, and the status does not show them"


def test_the_etag_stays_the_same_while_only_ages_change(reader, monkeypatch):
    accept_days("TSLA", 1, now=T0)
    answers = []

    for seconds in (0, 60):
        monkeypatch.setattr("scanner_app.api.status.timezone.now", lambda s=seconds: T0 + timedelta(seconds=s))
        answers.append(reader.get(f"{API}/status"))

    ages = [answer.json()["symbols"][0]["data_age_seconds"] for answer in answers]
    assert ages[1] - ages[0] == 60
    assert answers[0]["ETag"] == answers[1]["ETag"]


def test_symbols_are_in_the_order_of_their_tickers(reader):
    for ticker in ("TSLA", "BRKA", "BRK.B", "BTC/USD"):
        make_symbol(ticker)

    assert [one["symbol"] for one in reader.get(f"{API}/status").json()["symbols"]] == [
        "BRK.B",
        "BRKA",
        "BTC/USD",
        "TSLA",
    ]


@pytest.mark.parametrize("path", ["status", "symbols", "symbols/TSLA", "symbols/TSLA/status", "board"])
def test_strangers_read_no_names_of_hosts_and_files_in_errors(anonymous, reader, settings, monkeypatch, path):
    settings.SCANNER_PUBLIC_STATUS = True
    monkeypatch.setattr("scanner_app.api.board.BOARD", Board())
    monkeypatch.setattr("scanner_app.api.board.PUBLIC_BOARD", Board(for_strangers=True))
    accept_days("TSLA", 1)
    fail_head(Symbol.objects.get(), error=OSError("no /srv/models/secret.bin at 10.1.2.3"))

    public, private = (client.get(f"{API}/{path}").content.decode() for client in (anonymous, reader))

    assert "OSError: no /srv/models/secret.bin at 10.1.2.3" in private
    assert "OSError: no … at …" in public


def test_strangers_read_the_reasons_without_the_names_of_hosts(anonymous, reader, settings, db):
    settings.SCANNER_PUBLIC_STATUS = True
    Alert.objects.create(
        rule="deaf_worker",
        severity="error",
        state=AlertState.FIRING,
        message="main@db7.example.com is deaf.",
        began_at=T0,
        fired_at=T0,
    )

    assert "main is deaf." in anonymous.get(f"{API}/status").json()["reasons"]
    assert "main@db7.example.com is deaf." in reader.get(f"{API}/status").json()["reasons"]
