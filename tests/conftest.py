"""Fixtures: symbols and heads in a given state, a fixed time, and what was published."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.db import connection
from django.utils import timezone

from scanner_app import apps, mailbox
from scanner_app.accounts import guesses
from scanner_app.alerts import unexpected
from scanner_app.engine import detection, detector_switches, recent_windows
from scanner_app.mailbox import NewBar, Ticket
from scanner_app.mailbox.accept import create_symbols
from scanner_app.messaging import forming, producer, publisher
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, CircuitBreaker, Signal, Symbol, SymbolStatus
from scanner_app.reading import write_checks
from scanner_app.signals import numbering
from tests.engine import broken
from tests.servers import RedisServer

# A test's own transaction may ask nothing for longer than any of ours, on a busy machine.
apps.FROZEN_S = 600

pytest_plugins = ["tests.sharing"]

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
"""The time at which the tests' stories begin."""

DAY = timedelta(days=1)

TODAY = 149
"""The day of a bar that is no history when it is accepted at T0, nor are the next two: its latency counts."""


@pytest.fixture(autouse=True)
def published(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Message, str, Any]]:
    """What was put on queues: (message, lane, due). No broker is needed, unless a test asks for a real one."""
    taken: list[tuple[Message, str, Any]] = []
    if "broker_server" not in request.fixturenames:
        monkeypatch.setattr(publisher, "_send", taken.extend)
    monkeypatch.setattr(publisher, "_paused_until", 0.0)
    monkeypatch.setattr(forming, "_paused_until", 0.0)
    return taken


@pytest.fixture(autouse=True)
def no_guesses() -> None:
    """No wrong passwords of another test."""
    guesses.forget()


@pytest.fixture(autouse=True)
def no_recent_windows() -> None:
    """No windows of another test's symbol, which had the same id and bars."""
    recent_windows.memory.clear()


@pytest.fixture(autouse=True)
def writes_succeed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Database and broker take writes, as far as status and /readyz know, unless the test asks for `real_writes`."""
    write_checks.forget()
    if "real_writes" not in request.fixturenames:
        for name in ("database_problem", "broker_problem", "workers_problem"):
            monkeypatch.setattr(write_checks, name, write_checks.Check(lambda: ""))


class KeptErrors(unexpected.Recorder):
    """Unexpected errors that are written when a test says so, by its own thread and connection."""

    def _begin(self) -> None:
        pass

    def write(self) -> None:
        unexpected.store(self._take())


@pytest.fixture(autouse=True)
def kept_errors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> KeptErrors:
    """Where unexpected errors are noted: without a thread, unless a test asks for `real_recorder`."""
    kept = KeptErrors(unexpected.store)
    if "real_recorder" not in request.fixturenames:
        monkeypatch.setattr(unexpected, "_recorder", kept)
    return kept


@pytest.fixture
def real_recorder() -> None:
    """Unexpected errors are written by a thread, as ever."""


@pytest.fixture
def breakable_detectors(settings: Any) -> Iterator[None]:
    """The detectors `first` and `second` of tests/engine/broken.py."""
    settings.SCANNER_DETECTORS = broken.PATHS
    yield
    broken.BROKEN.clear()
    detector_switches.forget()
    detection.chosen_detectors.cache_clear()


@pytest.fixture
def real_writes() -> Iterator[None]:
    """Status and /readyz really try to write, at each look."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(write_checks, "LIFE_S", -1.0)
        yield
    write_checks.forget()


@pytest.fixture
def broker_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[redis.Redis]:
    """A client of a real, empty broker of the test's own, which all of us use meanwhile."""
    server = RedisServer(tmp_path)
    settings.REDIS_URL = server.url
    monkeypatch.setattr(current_app.conf, "broker_url", f"redis+socket://{server.socket}")
    monkeypatch.setattr(current_app.conf, "broker_write_url", f"redis+socket://{server.socket}")
    producer.forget()
    server.start()
    yield redis.Redis(unix_socket_path=str(server.socket))
    server.stop()
    producer.forget()


@pytest.fixture
def symbol(db: None) -> Symbol:
    """A symbol without bars."""
    return make_symbol("TSLA")


def make_symbol(ticker: str) -> Symbol:
    create_symbols([ticker], at_most=10_000, now=T0)
    return Symbol.objects.get(ticker=ticker)


def new_bar(ticker: str = "TSLA", day: int = 0, **values: Any) -> NewBar:
    """A valid bar of the `day`-th day after 2024-01-01."""
    fields: dict[str, Any] = {
        "symbol": ticker,
        "timeframe": "1d",
        "timestamp": datetime(2024, 1, 1, tzinfo=UTC) + day * DAY,
        "open": 10.0,
        "high": 12.0,
        "low": 9.0,
        "close": 11.0,
        "volume": 1000.0,
    }
    return NewBar(**{**fields, **values})


def raw_bar(ticker: str = "TSLA", day: int = 0, **values: Any) -> dict[str, Any]:
    """The same as it comes over HTTP."""
    bar = new_bar(ticker, day)
    raw = {name: getattr(bar, name) for name in ("symbol", "timeframe", "open", "high", "low", "close", "volume")}
    return {**raw, "timestamp": bar.timestamp.isoformat(), **values}


def accept_days(ticker: str, days: int, *, first: int = 0, now: datetime = T0) -> None:
    """Accept bars of `days` days of a symbol, which is created if need be."""
    create_symbols([ticker], at_most=10_000, now=now)
    verdicts = mailbox.accept([new_bar(ticker, first + day) for day in range(days)], now=now)
    assert set(verdicts) == {mailbox.Verdict.ACCEPTED}


def row_of(symbol: Symbol) -> SymbolStatus:
    return SymbolStatus.objects.get(symbol=symbol)


def live_message(symbol: Symbol) -> Message:
    """The message that is live for the symbol's row as it is."""
    row = SymbolStatus.objects.select_related("symbol").get(symbol=symbol)
    assert row.head is not None, f"{symbol} has no head"
    return Message(
        symbol_id=symbol.pk,
        ticker=symbol.ticker,
        sequence=row.head,
        epoch=row.epoch,
        retries=row.attempts,
        deferrals=row.deferrals,
        control=row.stage == "control",
    )


def start_head(symbol: Symbol, *, now: datetime = T0) -> Ticket:
    ticket = mailbox.start(live_message(symbol), now=now)
    assert isinstance(ticket, Ticket), ticket
    return ticket


@pytest.fixture
def dispatched_head(db: None) -> Callable[..., tuple[Symbol, Ticket]]:
    """Make a symbol whose head is in flight with `waiting` bars behind it; returns it with the head's ticket."""

    def make(ticker: str = "TSLA", *, waiting: int = 0, first: int = 0) -> tuple[Symbol, Ticket]:
        accept_days(ticker, 1 + waiting, first=first)
        symbol = Symbol.objects.get(ticker=ticker)
        return symbol, start_head(symbol)

    return make


def fail_head(symbol: Symbol, times: int = 1, *, now: datetime = T0, error: Exception | None = None) -> datetime:
    """Let the head fail `times` times, each when it is due; returns when the last failure was."""
    for _ in range(times):
        row = row_of(symbol)
        now = max(now, row.next_attempt_at or now)
        mailbox.fail(start_head(symbol, now=now), error or ValueError("no good"), now=now)
    return now


@pytest.fixture
def three(db: None) -> None:
    """OPEN failed with ValueError, PAUSED retries after a KeyError, FINE works."""
    now = timezone.now()
    for ticker, failures, error in (("OPEN", 3, ValueError("x")), ("PAUSED", 1, KeyError("x")), ("FINE", 0, None)):
        accept_days(ticker, 2, now=now)
        fail_head(Symbol.objects.get(ticker=ticker), failures, now=now, error=error)
    CircuitBreaker.objects.filter(symbol__ticker="OPEN").update(opened_at=now)


def snapshot(symbol: Symbol) -> dict[str, Any]:
    """Everything that a transition may change, to show that it changed nothing."""
    return {
        "status": SymbolStatus.objects.filter(symbol=symbol).values().get(),
        "breaker": CircuitBreaker.objects.filter(symbol=symbol).values().get(),
        "bars": list(Bar.objects.filter(symbol=symbol).order_by("sequence").values()),
        "signals": list(Signal.objects.filter(symbol=symbol).order_by("id").values()),
        "events": list(symbol.events.order_by("id").values()),
        "failures": list(symbol.failures.order_by("id").values()),
        "quarantine": list(symbol.quarantine.order_by("id").values()),
    }


@pytest.fixture
def own_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the numbering of signals look at the transactions of the test's own database alone.

    PostgreSQL counts those of the whole server, so other tests' long ones, in their databases, would hold it back.
    """

    def oldest_open() -> int | None:
        if connection.vendor != "postgresql":
            return None
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COALESCE(min(backend_xid::text::bigint), pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
                " FROM pg_stat_activity WHERE datname = current_database()"
            )
            return int(cursor.fetchone()[0])

    monkeypatch.setattr(numbering, "_oldest_open_transaction", oldest_open)
