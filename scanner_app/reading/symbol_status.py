"""The status of each symbol, as API, admin and pages show it and as the alert rules judge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast, Coalesce

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker, latency, staleness
from scanner_app.domain.alert_rules import SymbolFacts
from scanner_app.domain.enums import SymbolState
from scanner_app.models import Symbol, SymbolStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSummary:
    """One symbol at one moment. The names are the API's."""

    id: int
    symbol: str
    state: SymbolState
    last_processed: datetime | None
    consecutive_failures: int
    circuit_state: breaker.State
    avg_latency_ms: float  # 0 without bars
    p95_latency_ms: int  # 0 without bars
    bars_processed: int
    backlog: int  # the head included
    last_bar_time: datetime | None
    last_error: str | None
    next_attempt_at: datetime | None  # None: due, running, disabled, or nothing to run
    enabled: bool
    lane: str
    is_stale: bool  # its feed is late, counted in its market's trading time
    data_age_seconds: float | None  # since the newest known bar's end; None: no bar yet
    stale_for_s: float  # trading time beyond what its timeframe allows; 0 unless stale
    calendar: str  # its own, or that of the settings
    gaps: int  # inside its series, as last counted
    created_at: datetime
    disabled_until: datetime | None  # when it is enabled by itself; None: by an operator, or it is enabled
    p95_limit_ms: int  # over which it is slow: its own limit, or that of the settings

    @property
    def in_trouble(self) -> bool:
        """Whether it is enabled, and failed, paused or stale."""
        return self.enabled and (self.state is not SymbolState.PROCESSING or self.is_stale)


def symbol_state(*, enabled: bool, circuit: breaker.State, attempts: int) -> SymbolState:
    """The state of a symbol whose head has failed `attempts` times so far."""
    if not enabled:
        return SymbolState.PAUSED
    match circuit:
        case breaker.State.OPEN:
            return SymbolState.FAILED
        case breaker.State.HALF_OPEN:
            return SymbolState.PAUSED
        case _:
            return SymbolState.PAUSED if attempts > 0 else SymbolState.PROCESSING


class _StoredColumns(NamedTuple):
    """The columns that a summary is made from, as lookups from Symbol."""

    pk: int
    ticker: str
    enabled: bool
    calendar: str
    created_at: datetime
    disabled_until: datetime | None
    p95_ms: int | None
    breaker__failures: int
    breaker__opened_at: datetime | None
    status__head: int | None
    status__cursor: int
    status__last_sequence: int
    status__attempts: int
    status__next_attempt_at: datetime | None
    status__lane: str
    status__newest: Any  # a mapping, or that as JSON
    status__watched: Any  # a list, or that as JSON
    status__gaps: int
    status__bars_processed: int
    status__last_bar_time: datetime | None
    status__last_processed_at: datetime | None
    status__avg_latency_ms: float
    status__p95_latency_ms: int
    status__last_error: str


_columns_of = attrgetter(*(column.replace("__", ".") for column in _StoredColumns._fields))


def summary(symbol: Symbol, now: datetime) -> SymbolSummary:
    """The summary of a symbol from `shown_symbols`, whose status and breaker are loaded with it. No queries."""
    row = _StoredColumns._make(_columns_of(symbol))
    moment = _Moment(now)
    calendar = calendar_of(row.ticker, row.calendar)
    return moment.summary(row, calendar, moment.freshness(calendar, row.status__newest, row.status__watched))


def all_summaries(now: datetime) -> list[SymbolSummary]:
    """The summaries of all symbols that are shown, by ticker. One query."""
    # As the database's driver gives them: for ten thousand symbols Django's conversions take longer than all the rest.
    with connection.cursor() as cursor:
        cursor.execute(*_all_rows(connection.vendor))
        rows = cursor.fetchall()
    typed = _with_times if connection.vendor == "sqlite" else _StoredColumns._make
    moment = _Moment(now)
    made = [
        moment.summary(row, calendar := calendar_of(row.ticker, row.calendar), moment.known_freshness(row, calendar))
        for row in map(typed, rows)
    ]
    # Sorted here, since databases differ in where they put "BRK.B" and "BTC/USD".
    return sorted(made, key=attrgetter("symbol"))


_TIMES = [place for place, column in enumerate(_StoredColumns._fields) if column.endswith(("_at", "_time", "_until"))]


@lru_cache
def _all_rows(vendor: str) -> tuple[str, tuple[Any, ...]]:
    """The statement that reads the columns of all symbols that are shown, and its values."""
    columns: list[Any] = list(_StoredColumns._fields)
    if vendor == "sqlite":  # as text: Django's converter for times takes a third of the whole
        for place in _TIMES:
            columns[place] = Cast(columns[place], TextField())
    query: tuple[str, tuple[Any, ...]] = shown_symbols().order_by().values_list(*columns).query.sql_with_params()
    return query


def _with_times(row: Sequence[Any]) -> _StoredColumns:
    """A row of SQLite, whose times are text, in UTC without a zone."""
    values = list(row)
    for place in _TIMES:
        if values[place] is not None:
            values[place] = datetime.fromisoformat(values[place] + "+00:00")
    return _StoredColumns._make(values)


class _Moment:
    """Makes summaries of one moment. What many symbols have in common is worked out once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._rules = breaker_rules()
        self._grace_s = settings.SCANNER_STALE_GRACE_S
        self._p95_ms = settings.SCANNER_ALERT_P95_MS
        # By calendar and the two columns as JSON: symbols of one market mostly have their newest bars of one moment.
        self._known: dict[tuple[str, str, str], staleness.Freshness] = {}

    def summary(self, row: _StoredColumns, calendar: str, freshness: staleness.Freshness) -> SymbolSummary:
        """The summary of one symbol."""
        stored = breaker.Breaker(failures=row.breaker__failures, opened_at=row.breaker__opened_at)
        circuit = stored.state(self._rules, self._now)
        # The head runs at its own time, or when the breaker becomes half-open if that is later.
        has_run_to_come = row.status__head is not None and row.enabled
        own = row.status__next_attempt_at
        next_attempt_at = breaker.due(stored, self._rules, self._now, own=own) if has_run_to_come else None
        return SymbolSummary(
            id=row.pk,
            symbol=row.ticker,
            state=symbol_state(enabled=row.enabled, circuit=circuit, attempts=row.status__attempts),
            last_processed=row.status__last_processed_at,
            consecutive_failures=row.breaker__failures,
            circuit_state=circuit,
            avg_latency_ms=row.status__avg_latency_ms,
            p95_latency_ms=row.status__p95_latency_ms,
            bars_processed=row.status__bars_processed,
            backlog=row.status__last_sequence - row.status__cursor,
            last_bar_time=row.status__last_bar_time,
            last_error=row.status__last_error or None,
            next_attempt_at=next_attempt_at,
            enabled=row.enabled,
            lane=row.status__lane,
            is_stale=freshness.is_stale,
            data_age_seconds=freshness.age_s,
            stale_for_s=freshness.stale_for_s,
            calendar=calendar,
            gaps=row.status__gaps,
            created_at=row.created_at,
            disabled_until=row.disabled_until,
            p95_limit_ms=self._p95_ms if row.p95_ms is None else row.p95_ms,
        )

    def known_freshness(self, row: _StoredColumns, calendar: str) -> staleness.Freshness:
        """How old a symbol's data is, whose columns are JSON."""
        key = (calendar, row.status__newest, row.status__watched)
        found = self._known.get(key)
        if found is None:
            newest, watched = orjson.loads(row.status__newest), orjson.loads(row.status__watched)
            found = self._known[key] = self.freshness(calendar, newest, watched)
        return found

    def freshness(self, calendar: str, newest: Mapping[str, str], watched: Sequence[str]) -> staleness.Freshness:
        """How old a symbol's data is."""
        hours = partial(hours_of, calendar, self._now)
        return staleness.judge(newest, watched, hours, grace_s=self._grace_s, now=self._now)


def shown_symbols() -> QuerySet[Symbol]:
    """The symbols that are shown: all but those being deleted, each with what `summary` needs. One query.

    Without the latencies, which are kilobytes a symbol and are not needed here.
    """
    return Symbol.objects.filter(deleted_at=None).select_related("status", "breaker").defer("status__latencies")


def symbol_facts(one: SymbolSummary, slow: Mapping[str, int], **more: Any) -> SymbolFacts:
    """A symbol as the alert rules judge it. `slow` is what slow_symbols() returns."""
    return SymbolFacts(
        id=one.id,
        ticker=one.symbol,
        enabled=one.enabled,
        healthy=one.state is SymbolState.PROCESSING,
        breaker_open=one.circuit_state is breaker.State.OPEN,
        slow_p95_ms=slow.get(one.symbol, 0),
        p95_limit_ms=one.p95_limit_ms,
        backlog=one.backlog,
        stale_for_s=one.stale_for_s,
        **more,
    )


def slow_symbols(now: datetime, **filters: Any) -> dict[str, int]:
    """The p95 latency in ms of fresh bars, by ticker, of the symbols where it is over their limit. One query.

    `filters` choose rows of SymbolStatus; without any, all symbols are checked.

    The stored p95 can't choose the symbols: five fresh slow bars after 95 older quick ones leave it low. But where the
    longest latency is within the limit, all are.
    """
    limit = Coalesce("symbol__p95_ms", settings.SCANNER_ALERT_P95_MS)
    rows = SymbolStatus.objects.filter(
        symbol__deleted_at=None,
        last_processed_at__gte=now - latency.FRESH,
        longest_latency_ms__gt=limit,
        **filters,
    )
    # As text, since orjson takes a third of the time of the field's own json. In chunks, since a thousand symbols at
    # once are a hundred thousand lists, which the garbage collector has to visit.
    texts = rows.annotate(kept=Cast("latencies", TextField()), limit=limit)
    return {
        ticker: p95_ms
        for ticker, kept, limit_ms in texts.values_list("symbol__ticker", "kept", "limit").iterator(chunk_size=50)
        if (p95_ms := latency.fresh_p95(orjson.loads(kept), now)) is not None and p95_ms > limit_ms
    }
