"""The board as it was at a time, from what is stored: events, bars, quarantine and alerts. Nothing is kept for it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Q, Subquery

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker
from scanner_app.domain.enums import BarStatus, SymbolState
from scanner_app.domain.past import TOLD_BY, past_of
from scanner_app.domain.wording import clock, counted
from scanner_app.models import Alert, Bar, QuarantinedBar, Symbol, SymbolEvent
from scanner_app.reading.symbol_status import symbol_state


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """One symbol then."""

    symbol: str
    state: SymbolState
    circuit_state: breaker.State
    enabled: bool
    consecutive_failures: int
    backlog: int
    quarantined: int
    timeframe: str  # of the bar processed last; empty: none was
    timestamp: datetime | None
    close: float | None
    reason: str  # of the last failure, while it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class PastBoard:
    """All symbols that there are now and were then, by ticker, and what was wrong."""

    at: datetime
    symbols: list[PastRow]
    alerts: list[tuple[str, str, str]]  # severity, rule and message of those that had fired and were not over

    @property
    def headline(self) -> str:
        """The board in numbers, without a full stop."""
        states = Counter(one.state for one in self.symbols)
        waited = sum(one.backlog for one in self.symbols)
        quarantined = sum(one.quarantined for one in self.symbols)
        return (
            f"As of {clock(self.at)}: {counted(len(self.symbols), 'symbol')}, "
            f"{states[SymbolState.FAILED]:,} failed, {states[SymbolState.PAUSED]:,} paused; "
            f"{counted(waited, 'bar')} waited, {quarantined:,} in quarantine; {counted(len(self.alerts), 'alert')}"
        )


def read(at: datetime) -> PastBoard:
    """The board at the time `at`. Six queries; the longer ago, the more bars they look at."""
    rules = breaker_rules()
    events: dict[int, list[tuple[str, datetime, str]]] = defaultdict(list)
    rows = SymbolEvent.objects.filter(symbol__deleted_at=None, at__lte=at, kind__in=TOLD_BY).order_by("id")
    for symbol_id, kind, moment, reason in rows.values_list("symbol_id", "kind", "at", "reason").iterator():
        events[symbol_id].append((kind, moment, reason))
    unfinished = Bar.objects.filter(Q(finished_at=None) | Q(finished_at__gt=at), accepted_at__lte=at)
    waiting = _by_symbol(unfinished.values_list("symbol_id").annotate(number=Count("pk")).order_by())
    held = QuarantinedBar.objects.filter(Q(resolved_at=None) | Q(resolved_at__gt=at), failed_at__lte=at)
    quarantined = _by_symbol(held.values_list("symbol_id").annotate(number=Count("pk")).order_by())
    done = Bar.objects.filter(symbol=OuterRef("pk"), status=BarStatus.PROCESSED, finished_at__lte=at)
    symbols = Symbol.objects.filter(deleted_at=None, created_at__lte=at).order_by("ticker")
    shown = list(symbols.annotate(last=Subquery(done.order_by("-sequence").values("pk")[:1])))
    bars = Bar.objects.in_bulk([symbol.last for symbol in shown if symbol.last is not None])
    found = []
    for symbol in shown:
        past, bar = past_of(events[symbol.pk]), bars.get(symbol.last or 0)
        circuit = past.circuit(rules, at)
        found.append(
            PastRow(
                symbol=symbol.ticker,
                state=symbol_state(enabled=past.enabled, circuit=circuit, attempts=past.attempts),
                circuit_state=circuit,
                enabled=past.enabled,
                consecutive_failures=past.breaker.failures,
                backlog=waiting.get(symbol.pk, 0),
                quarantined=quarantined.get(symbol.pk, 0),
                timeframe=bar.timeframe if bar else "",
                timestamp=bar.timestamp if bar else None,
                close=bar.close if bar else None,
                reason=past.reason,
            )
        )
    return PastBoard(at=at, symbols=found, alerts=_alerts(at))


def _by_symbol(rows: object) -> dict[int, int]:
    return dict(rows)  # type: ignore[call-overload,no-any-return]


def _alerts(at: datetime) -> list[tuple[str, str, str]]:
    """Their messages have the figures of their last notification, which may be later."""
    rows = Alert.objects.exclude(symbol__deleted_at__isnull=False).filter(fired_at__lte=at)
    open_ones = rows.filter(Q(cleared_at=None) | Q(cleared_at__gt=at)).order_by("fired_at", "id")
    return list(open_ones.values_list("severity", "rule", "message"))
