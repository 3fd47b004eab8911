"""What the live board shows: the status of all symbols, their latencies and last signals, and what is wrong.

All readers get the same snapshot, which each web process makes at most once in SNAPSHOT_LIFE_S. Fifty open pages then
cost fifty answers, and not fifty overviews (docs/decisions/live-page.md).
"""

import gzip
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from django.db.models import F, OuterRef, Subquery, TextField
from django.db.models.functions import Cast

from scanner_app.domain.drill import AlarmPath
from scanner_app.engine import forming
from scanner_app.engine.forming import Forming
from scanner_app.models import Alert, Signal, SymbolStatus
from scanner_app.notifications.silences import Silences
from scanner_app.reading import feeds, prices, quarantine_entries, status, symbol_status
from scanner_app.reading.encoding import as_json
from scanner_app.reading.strangers import without_hosts

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
    """Those parts of a symbol's row that change only when a bar is accepted or processed."""

    counts: tuple[int, int]  # bars processed and bars waiting, when they were read
    latencies: list[int]  # ms, oldest first
    signal: dict[str, Any] | None
    price: dict[str, Any] | None


NO_BARS_YET = _Recent(counts=(0, 0), latencies=[], signal=None, price=None)

SOMEBODY = "a user"
"""What strangers read in place of a user's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The board at one moment, ready to be sent."""

    body: bytes  # JSON, compressed by gzip
    etag: str
    made_at: float  # time.monotonic()
    good_until: float  # time.monotonic()


class Board:
    """Makes snapshots of the board, and keeps what need not be read again.

    `for_strangers`: the board names neither people nor hosts.
    """

    def __init__(self, *, for_strangers: bool = False) -> None:
        self._for_strangers = for_strangers
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
        board = self.read(now)
        body = as_json(_for_strangers(board) if self._for_strangers else board)
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
        """The board as JSON values. Thirteen queries at most, whatever the number of symbols."""
        fired = status.fired_alerts()
        whole = status.overview(now, fired)
        self._refresh(whole.symbols)
        quarantined = quarantine_entries.counted_by_symbol()
        unfinished = forming.of_all(now)
        slow = set(whole.slow)
        silenced = _silenced(fired, now)
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
            "alarm_path": _alarm_path(whole.alarm_path),
            "alerts": [_alert(one, silenced) for one in _most_urgent_first(fired, silenced)[:MAX_ALERTS]],
            "feeds": [_feed(one) for one in feeds.of_all(now) if one.enabled],
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
            "p95_limit_ms": one.p95_limit_ms,
            "latencies": recent.latencies,
            "bars_processed": one.bars_processed,
            "last_bar_time": one.last_bar_time,
            "last_signal": recent.signal,
            "last_error": one.last_error and one.last_error[:MAX_ERROR],
            "is_stale": one.is_stale,
            "is_slow": is_slow,
            "quarantined": quarantined,
            "lane": one.lane,
            "price": recent.price,
            "forming": _last_price(unfinished[0]) if unfinished else None,  # the shortest has the newest price
        }

    def _refresh(self, shown: Iterable[symbol_status.SymbolSummary]) -> None:
        """Read latencies, prices and last signals of the symbols that have new bars since. Three queries at most.

        The numbers of processed and of waiting bars show a change: each is written in one transaction with what it
        counts.
        """
        wanted = {one.id: (one.bars_processed, one.backlog) for one in shown}
        known = {key: recent for key, recent in self._recent.items() if key in wanted}
        changed = [key for key, counts in wanted.items() if key not in known or known[key].counts != counts]
        if changed:
            known |= _recent(changed)
        self._recent = known


def _last_price(bar: Forming) -> dict[str, Any]:
    return {"timeframe": bar.timeframe, "timestamp": bar.timestamp, "close": bar.close}


def _recent(symbol_ids: list[int]) -> dict[int, _Recent]:
    # As text, since orjson takes a tenth of the time of the field's own json.
    texts = SymbolStatus.objects.filter(pk__in=symbol_ids).annotate(
        kept=Cast("latencies", TextField()),
        series=Cast("newest", TextField()),
        waiting=F("last_sequence") - F("cursor"),
    )
    rows = list(texts.values_list("pk", "bars_processed", "waiting", "kept", "series"))
    # After the counts: a bar that is done in between is read again, since its count is a new one.
    signals = _newest_signals(symbol_ids)
    last = prices.last_prices({pk: orjson.loads(series) for pk, *_, series in rows})
    return {
        pk: _Recent(
            counts=(bars_processed, waiting),
            latencies=[pair[0] for pair in orjson.loads(kept)[-SPARKLINE_POINTS:]],
            signal=signals.get(pk),
            price=last.get(pk),
        )
        for pk, bars_processed, waiting, kept, _ in rows
    }


def _newest_signals(symbol_ids: list[int]) -> dict[int, dict[str, Any]]:
    # By a sub-select: one index look-up for each symbol, whatever the number of signals.
    newest = Signal.objects.filter(symbol=OuterRef("pk"), withdrawn_at=None).order_by("-id").values("pk")[:1]
    ids = SymbolStatus.objects.filter(pk__in=symbol_ids).annotate(signal=Subquery(newest)).values("signal")
    fields = ("pattern", "direction", "timeframe", "timestamp")
    found = Signal.objects.filter(pk__in=ids).values_list("symbol_id", *fields)
    return {symbol_id: dict(zip(fields, values, strict=True)) for symbol_id, *values in found}


def _silenced(alerts: Iterable[Alert], now: datetime) -> set[int]:
    """The ids of those about which nothing is sent: silenced themselves, or by a silence of their rule or symbol."""
    silences = Silences.load(now)
    return {one.pk for one in alerts if one.is_silenced(now) or silences.find(one.rule, one.symbol_id)}


def _most_urgent_first(alerts: Iterable[Alert], silenced: set[int]) -> list[Alert]:
    """Alerts that are neither acknowledged nor silenced first; of these the worst first, then the oldest."""
    return sorted(alerts, key=lambda one: (one.acknowledged_at is not None or one.pk in silenced, -one.weight))


def _alarm_path(path: AlarmPath) -> dict[str, Any]:
    # Without the sentence, whose ages change all the time.
    return {name: value for name, value in asdict(path).items() if name != "said"}


def _alert(alert: Alert, silenced: set[int]) -> dict[str, Any]:
    return {
        "id": alert.pk,
        "rule": alert.rule,
        "severity": alert.severity,
        "symbol": alert.symbol.ticker if alert.symbol else None,
        "state": alert.state,
        "message": alert.message,
        "fired_at": alert.fired_at,
        "acknowledged_by": alert.acknowledged_by,
        "silenced": alert.pk in silenced,
    }


def _feed(one: feeds.FeedStatus) -> dict[str, Any]:
    # Without the time of the last message, which changes all the time.
    return {
        "name": one.name,
        "venue": one.venue,
        "state": one.state,
        "series": one.series,
        "live": one.live,
        "lag_s": one.lag_s if one.lag_s is None else round(one.lag_s, 1),
        "gaps_open": one.gaps_open,
        "last_error": one.last_error[:MAX_ERROR],
    }


def _for_strangers(board: dict[str, Any]) -> dict[str, Any]:
    alerts = [
        {
            **alert,
            "message": without_hosts(alert["message"]),
            "acknowledged_by": SOMEBODY if alert["acknowledged_by"] else "",
        }
        for alert in board["alerts"]
    ]
    symbols = [
        {**one, "last_error": one["last_error"] and without_hosts(one["last_error"])} for one in board["symbols"]
    ]
    reasons = [without_hosts(reason) for reason in board["reasons"]]
    shown_feeds = [{**one, "last_error": without_hosts(one["last_error"])} for one in board["feeds"]]
    alarm_path = {**board["alarm_path"], "detail": without_hosts(board["alarm_path"]["detail"])}
    shown = {"reasons": reasons, "alerts": alerts, "alarm_path": alarm_path, "feeds": shown_feeds, "symbols": symbols}
    return board | shown


BOARD = Board()
"""The board of this process."""

PUBLIC_BOARD = Board(for_strangers=True)
"""The same for people who are not signed in, if SCANNER_PUBLIC_STATUS lets them see it."""
