"""What the live board shows: the status of all symbols, their latencies and last signals, and what is wrong.

All readers get the same snapshot, which each web process makes at most once in SNAPSHOT_LIFE_S. Fifty open pages then
cost fifty answers, and not fifty overviews (docs/decisions/live-page.md).
"""

import gzip
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db.models import Count, OuterRef, Subquery

from scanner_app.engine import forming
from scanner_app.engine.forming import Forming
from scanner_app.models import Alert, Signal, SymbolStatus
from scanner_app.reading import quarantine_entries, status, symbol_status
from scanner_app.reading.encoding import as_json

SPARKLINE_POINTS = 30
"""Latencies of a symbol that the board draws: as many as a sparkline of a few centimetres can show."""

MAX_ERROR = 300
"""Characters of an error on the board; the symbol's page has the rest."""

MAX_ALERTS = 50
"""Alerts on the board, the most urgent first; it says how many more there are."""

SNAPSHOT_LIFE_S = 0.5
"""How long a snapshot is used, in s; a page that asks every second then sees a change within two."""

LIFE_PER_CPU_TIME = 10
"""A snapshot is also used for this many times the CPU time that it took, so that snapshots take at most a tenth of it.

Not the elapsed time: a snapshot made while fifty requests ran would be shown for far too long.
"""

LONGEST_LIFE_S = 2.0
"""The longest that a snapshot is used, however much it cost."""

TOO_OLD_S = 5.0
"""Seconds after which a snapshot is never shown, not even while the next one is being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recent:
    """Those parts of a symbol's row that change only when a bar is processed."""

    bars_processed: int  # when they were read
    latencies: list[int]  # ms, oldest first
    signal: dict[str, Any] | None


NO_BARS_YET = _Recent(bars_processed=0, latencies=[], signal=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The board at one moment, ready to be sent."""

    body: bytes  # JSON, compressed by gzip
    etag: str
    made_at: float  # time.monotonic()
    good_until: float  # time.monotonic()


class Board:
    """Makes snapshots of the board, and keeps what need not be read again."""

    def __init__(self) -> None:
        self._recent: dict[int, _Recent] = {}
        self._snapshot: Snapshot | None = None
        self._making = threading.Lock()

    def snapshot(self, now: datetime) -> Snapshot:
        """The current snapshot. One thread makes the next one; meanwhile the others get the one before."""
        kept, moment = self._snapshot, time.monotonic()
        if kept is not None and moment < kept.good_until:
            return kept
        usable = kept is not None and moment < kept.made_at + TOO_OLD_S
        if not self._making.acquire(blocking=not usable):
            assert kept is not None  # noqa: S101 - without one, acquire() waits for the lock
            return kept
        try:
            if self._snapshot is not kept and self._snapshot is not None:
                return self._snapshot  # made while this thread waited
            self._snapshot = self._make(now)
            return self._snapshot
        finally:
            self._making.release()

    def _make(self, now: datetime) -> Snapshot:
        began = time.thread_time()
        body = as_json(self.read(now))
        packed = gzip.compress(body, compresslevel=1, mtime=0)
        life_s = min(LONGEST_LIFE_S, max(SNAPSHOT_LIFE_S, LIFE_PER_CPU_TIME * (time.thread_time() - began)))
        made = time.monotonic()
        return Snapshot(
            body=packed,
            etag=f'W/"{blake2b(body, digest_size=12).hexdigest()}"',  # weak: of the JSON, not of the compressed bytes
            made_at=made,
            good_until=made + life_s,
        )

    def read(self, now: datetime) -> dict[str, Any]:
        """The board as JSON values. Nine queries at most, whatever the number of symbols."""
        fired = status.fired_alerts()
        whole = status.overview(now, fired)
        self._refresh(whole.symbols)
        quarantined = _quarantined()
        unfinished = forming.of_all(now)
        slow = set(whole.slow)
        return {
            "overall_status": whole.overall_status,
            "reasons": whole.reasons,
            "total_symbols": whole.total_symbols,
            "enabled_symbols": whole.enabled_symbols,
            "healthy_symbols": whole.healthy_symbols,
            "paused_symbols": whole.paused_symbols,
            "failed_symbols": whole.failed_symbols,
            "bars_per_second": whole.bars_per_second,
            "backlog": whole.backlog,
            "quarantined": sum(quarantined.values()),
            "total_alerts": whole.alerts,
            "alerts": [_alert(one, now) for one in _most_urgent_first(fired, now)[:MAX_ALERTS]],
            "symbols": [
                self._row(one, quarantined.get(one.id, 0), unfinished.get(one.id, []), is_slow=one.symbol in slow)
                for one in whole.symbols
            ],
        }

    def _row(
        self, one: symbol_status.SymbolSummary, quarantined: int, unfinished: Sequence[Forming], *, is_slow: bool
    ) -> dict[str, Any]:
        # No age and no remaining time: they change by themselves, and then no answer could be "nothing changed".
        recent = self._recent.get(one.id, NO_BARS_YET)  # the row may have been deleted meanwhile
        return {
            "symbol": one.symbol,
            "state": one.state,
            "circuit_state": one.circuit_state,
            "enabled": one.enabled,
            "consecutive_failures": one.consecutive_failures,
            "next_attempt_at": one.next_attempt_at,
            "backlog": one.backlog,
            "p95_latency_ms": one.p95_latency_ms,
            "latencies": recent.latencies,
            "bars_processed": one.bars_processed,
            "last_bar_time": one.last_bar_time,
            "last_signal": recent.signal,
            "last_error": one.last_error and one.last_error[:MAX_ERROR],
            "is_stale": one.is_stale,
            "is_slow": is_slow,
            "quarantined": quarantined,
            "lane": one.lane,
            "forming": _last_price(unfinished[0]) if unfinished else None,  # the shortest has the newest price
        }

    def _refresh(self, shown: Iterable[symbol_status.SymbolSummary]) -> None:
        """Read latencies and last signals of the symbols that have processed bars since. Two queries at most.

        The number of processed bars shows a change, since it is written in one transaction with latencies and signals.
        """
        wanted = {one.id: one.bars_processed for one in shown}
        known = {key: recent for key, recent in self._recent.items() if key in wanted}
        changed = [key for key, count in wanted.items() if key not in known or known[key].bars_processed != count]
        if changed:
            known |= _recent(changed)
        self._recent = known


def _last_price(bar: Forming) -> dict[str, Any]:
    return {"timeframe": bar.timeframe, "timestamp": bar.timestamp, "close": bar.close}


def _recent(symbol_ids: list[int]) -> dict[int, _Recent]:
    # The newest signal by a sub-select: one index look-up for each symbol, whatever the number of signals.
    newest = Signal.objects.filter(symbol=OuterRef("pk"), withdrawn_at=None).order_by("-id").values("pk")[:1]
    rows = list(
        SymbolStatus.objects.filter(pk__in=symbol_ids)
        .annotate(newest_signal=Subquery(newest))
        .values_list("pk", "bars_processed", "latencies", "newest_signal")
    )
    fields = ("pattern", "direction", "timeframe", "timestamp")
    signals = {
        row.pop("pk"): row
        for row in Signal.objects.filter(pk__in=[row[3] for row in rows if row[3]]).values("pk", *fields)
    }
    return {
        pk: _Recent(
            bars_processed=bars_processed,
            latencies=[pair[0] for pair in latencies[-SPARKLINE_POINTS:]],
            signal=signals.get(newest_signal),
        )
        for pk, bars_processed, latencies, newest_signal in rows
    }


def _most_urgent_first(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Alerts that are neither acknowledged nor silenced first; of these the worst first, then the oldest."""
    return sorted(
        alerts,
        key=lambda one: (
            one.acknowledged_at is not None or one.is_silenced(now),
            -one.weight,
        ),
    )


def _alert(alert: Alert, now: datetime) -> dict[str, Any]:
    return {
        "id": alert.pk,
        "rule": alert.rule,
        "severity": alert.severity,
        "symbol": alert.symbol.ticker if alert.symbol else None,
        "state": alert.state,
        "message": alert.message,
        "fired_at": alert.fired_at,
        "acknowledged_by": alert.acknowledged_by,
        "silenced": alert.is_silenced(now),
    }


def _quarantined() -> dict[int, int]:
    """The number of bars in quarantine, by symbol id."""
    counted = quarantine_entries.open_entries().order_by().values("symbol_id").annotate(count=Count("pk"))
    return {row["symbol_id"]: row["count"] for row in counted}


BOARD = Board()
"""The board of this process."""
