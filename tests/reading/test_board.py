"""The board: what it shows of each symbol, what it costs, and that all readers share it."""

import gzip
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanner_app import mailbox
from scanner_app.detectors import BarUnusable, Direction, Finding
from scanner_app.domain.enums import AlertState, Severity
from scanner_app.engine import ingest
from scanner_app.models import Alert, QuarantinedBar, Symbol, SymbolStatus
from scanner_app.reading import board
from scanner_app.reading.board import Board
from tests.conftest import T0, TODAY, accept_days, fail_head, make_symbol, raw_bar, start_head

SECOND = timedelta(seconds=1)

FINDING = Finding(detector="candlesticks", pattern="CDLDOJI", direction=Direction.BULLISH, strength=100)


def done(ticker: str, days: int = 1, *, first: int = TODAY, took_ms: int = 20) -> Symbol:
    accept_days(ticker, days, first=first)
    symbol = Symbol.objects.get(ticker=ticker)
    for _ in range(days):
        mailbox.complete(start_head(symbol), [FINDING], now=T0 + timedelta(milliseconds=took_ms), run_s=0)
    return symbol


def row_of(ticker: str, read: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in read["symbols"] if row["symbol"] == ticker)


def test_a_row_has_the_last_latencies_and_the_last_signal(db):
    done("TSLA", 35)

    row = row_of("TSLA", Board().read(T0 + SECOND))

    assert row["latencies"] == [20] * board.SPARKLINE_POINTS
    assert row["last_signal"]["pattern"] == "CDLDOJI"
    assert row["last_signal"]["timestamp"] == Symbol.objects.get().signals.latest("id").timestamp


def test_a_symbol_without_bars_has_a_row(symbol):
    row = row_of("TSLA", Board().read(T0))

    assert (row["latencies"], row["last_signal"], row["quarantined"]) == ([], None, 0)


def test_bars_in_quarantine_are_counted_until_they_are_replayed_or_discarded(db):
    accept_days("TSLA", 2)
    symbol = Symbol.objects.get()
    mailbox.quarantine_head(start_head(symbol), BarUnusable("no"), now=T0)
    one = Board()

    read = one.read(T0)
    assert (read["quarantined"], row_of("TSLA", read)["quarantined"]) == (1, 1)

    mailbox.discard(symbol.quarantine.get(), by="olga", now=T0)
    read = one.read(T0)
    assert (read["quarantined"], row_of("TSLA", read)["quarantined"]) == (0, 0)


def test_latencies_and_signal_are_read_again_only_after_a_processed_bar(db):
    done("TSLA", took_ms=20)
    one = Board()
    one.read(T0)

    done("TSLA", first=TODAY + 1, took_ms=90)

    assert row_of("TSLA", one.read(T0))["latencies"] == [20, 90]


def test_a_long_error_is_cut(db):
    accept_days("TSLA", 1)
    fail_head(Symbol.objects.get(), error=ValueError("x" * 5000))

    assert len(row_of("TSLA", Board().read(T0))["last_error"]) == board.MAX_ERROR


def alert(severity: str, **values: object) -> Alert:
    fields = {"rule": "backlog", "state": AlertState.FIRING, "message": "m", "began_at": T0, "fired_at": T0}
    return Alert.objects.create(severity=severity, **{**fields, **values})


def test_the_worst_alerts_come_first_and_only_those_that_fire(symbol):
    alert(Severity.INFO, subject="a")
    alert(Severity.ERROR, subject="b")
    alert(Severity.WARNING, symbol=symbol)
    alert(Severity.ERROR, subject="c", state=AlertState.PENDING)
    alert(Severity.ERROR, subject="d", state=AlertState.RESOLVED)

    read = Board().read(T0)

    assert [one["severity"] for one in read["alerts"]] == ["error", "warning", "info"]
    assert [one["symbol"] for one in read["alerts"]] == [None, "TSLA", None]
    assert read["total_alerts"] == 3


def test_the_last_price_is_that_of_the_shortest_bar_that_forms(db):
    done("TSLA")
    today = raw_bar("TSLA", timestamp="2024-05-31T00:00:00Z")
    hour = raw_bar("TSLA", timeframe="1h", timestamp=T0.isoformat(), close=11.5)
    ingest.accept([today, hour, raw_bar("AAPL", day=5)], now=T0)

    rows = Board().read(T0)["symbols"]

    assert [row["forming"] for row in rows] == [None, {"timeframe": "1h", "timestamp": T0, "close": 11.5}]


def test_the_price_is_the_newest_of_the_shortest_timeframe_with_its_change(db):
    done("TSLA", 2)
    ingest.accept(
        [
            raw_bar("TSLA", timeframe="1h", timestamp="2024-05-30T14:00:00Z", close=10),
            raw_bar("TSLA", timeframe="1h", timestamp="2024-05-30T15:00:00Z", close=11.5),
            raw_bar("TSLA", timeframe="1h", timestamp="2024-05-30T13:00:00Z", close=10.9),
            raw_bar("AAPL", timeframe="4h", timestamp="2024-05-30T12:00:00Z", close=10.5),
        ],
        now=T0,
    )
    make_symbol("IBM")

    rows = {row["symbol"]: row["price"] for row in Board().read(T0)["symbols"]}

    at = datetime(2024, 5, 30, 15, tzinfo=UTC)
    assert rows["TSLA"] == {"timeframe": "1h", "timestamp": at, "close": 11.5, "change_percent": 15.0, "volume": 1000.0}
    assert (rows["AAPL"]["timeframe"], rows["AAPL"]["change_percent"]) == ("4h", None)
    assert rows["IBM"] is None


def test_a_price_is_shown_as_soon_as_its_bar_is_accepted_and_no_more_when_it_is_in_quarantine_or_discarded(db):
    symbol = done("TSLA")
    one = Board()
    before = row_of("TSLA", one.read(T0))["price"]

    ingest.accept([raw_bar("TSLA", day=TODAY + 1, close=11.7)], now=T0 + timedelta(days=2))
    assert row_of("TSLA", one.read(T0))["price"]["close"] == 11.7

    mailbox.quarantine_head(start_head(symbol), BarUnusable("no"), now=T0)
    assert row_of("TSLA", one.read(T0))["price"] == before
    mailbox.discard(QuarantinedBar.objects.get(), by="olga", now=T0)
    assert row_of("TSLA", Board().read(T0))["price"] == before


@pytest.mark.parametrize("symbols", [1, 30])
def test_the_queries_do_not_grow_with_the_symbols(db, symbols, django_assert_num_queries):
    for number in range(symbols):
        done(f"S{number}")
    one = Board()

    with django_assert_num_queries(13):
        one.read(T0)
    with django_assert_num_queries(10):
        one.read(T0)


def test_nothing_on_the_board_changes_by_time_alone(db):
    done("TSLA")
    accept_days("IBM", 2)
    fail_head(Symbol.objects.get(ticker="IBM"))
    one = Board()

    # the retry is due after a second
    assert one.read(T0 + 0.1 * SECOND) == one.read(T0 + 0.9 * SECOND)


def test_a_snapshot_is_shared_while_it_is_fresh_and_replaced_after_that(symbol, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    one = Board()
    first = one.snapshot(T0)
    make_symbol("AAPL")

    assert one.snapshot(T0) is first
    clock[0] += board.SNAPSHOT_LIFE_S
    second = one.snapshot(T0)

    assert [row["symbol"] for row in json.loads(gzip.decompress(second.body))["symbols"]] == ["AAPL", "TSLA"]
    assert second.etag != first.etag


def test_a_snapshot_without_changes_has_the_same_etag(symbol, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    one = Board()
    first = one.snapshot(T0)
    clock[0] += 60

    assert one.snapshot(T0).etag == first.etag


@pytest.mark.parametrize(
    ("took_s", "life_s"),
    [
        pytest.param(0.01, 0.5, id="half a second at least"),
        pytest.param(0.09, 0.9, id="ten times the processor time that it took"),
        pytest.param(0.7, 2.0, id="two seconds at most"),
    ],
)
def test_an_expensive_snapshot_is_used_for_longer(symbol, monkeypatch, took_s, life_s):
    times = iter([5.0, 5.0 + took_s])
    monkeypatch.setattr(time, "thread_time", lambda: next(times))

    snapshot = Board().snapshot(T0)

    assert snapshot.good_until - snapshot.made_at == pytest.approx(life_s)


def test_while_one_thread_makes_a_snapshot_the_others_use_the_last_one_unless_it_is_too_old(symbol, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    one = Board()
    first = one.snapshot(T0)
    waiting: list[board.Snapshot] = []
    with one._making:  # somebody makes it
        clock[0] += board.SNAPSHOT_LIFE_S
        assert one.snapshot(T0) is first

        clock[0] += board.TOO_OLD_S
        monkeypatch.setattr(one, "_make", lambda now: first)  # no database in the other thread
        thread = threading.Thread(target=lambda: waiting.append(one.snapshot(T0)))
        thread.start()
        thread.join(0.2)
        assert waiting == []
    thread.join(5)

    assert waiting == [first]


def test_a_deleted_symbol_is_forgotten(db):
    done("TSLA")
    one = Board()
    one.read(T0)

    Symbol.objects.update(deleted_at=T0)

    assert one.read(T0)["symbols"] == []
    assert one._recent == {}


def test_a_row_deleted_during_the_read_is_no_error(symbol, monkeypatch):
    monkeypatch.setattr(board, "_recent", lambda ids: {})

    assert row_of("TSLA", Board().read(T0))["latencies"] == []
    assert SymbolStatus.objects.exists()
