"""The read side: what the API, the admin and the pages show of the symbols, and how it is judged.

Whatever is read, the number of queries is the same for one symbol and for a thousand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from scanner_app.calendars import calendar_of, hours_of
from scanner_app.conf import alert_limits, breaker_rules
from scanner_app.domain import breaker, latency, staleness
from scanner_app.domain.alert_rules import RULES, Facts, Rule, SymbolFacts
from scanner_app.domain.alert_rules.interface import named
from scanner_app.domain.enums import FIRED_STATES, BarStatus, OverallStatus, Severity, SymbolState
from scanner_app.models import Alert, Bar, Evaluation, Symbol, SymbolStatus
from scanner_app.models.alerts import NEVER
from scanner_app.reading.encoding import as_json

RATE_SPAN = timedelta(seconds=10)
"""What `bars_per_second` is the mean of."""

SILENT_AFTER = timedelta(seconds=30)
"""Alert rules that nobody has evaluated for so long may hide anything. Given by the design."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSummary:
    """One symbol at one moment; the names are the API's."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All symbols at one moment; the names are the API's."""

    overall_status: OverallStatus
    reasons: list[str]  # why it is not healthy, the worst first; empty while it is
    alerts: int  # that have fired and are not over, whatever their severity
    total_symbols: int
    enabled_symbols: int
    healthy_symbols: int  # those whose state is processing
    paused_symbols: int  # disabled ones among them
    failed_symbols: int
    bars_per_second: float  # over RATE_SPAN
    backlog: int  # heads included
    stale_symbols: int  # enabled ones whose feed is late
    symbols: list[SymbolSummary]  # by ticker
    slow: tuple[str, ...] = ()  # tickers of those whose p95 of fresh bars is over the limit


_AGES = {"data_age_seconds", "stale_for_s"}
_WITHOUT_AGES = attrgetter(*(one.name for one in fields(SymbolSummary) if one.name not in _AGES))


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


def verdict(severities: Iterable[str]) -> OverallStatus:
    """The verdict on the whole, by the severities of what is wrong. Nothing wrong is healthy; info leaves it alone."""
    found = set(severities)
    if Severity.ERROR in found:
        return OverallStatus.UNHEALTHY
    return OverallStatus.DEGRADED if Severity.WARNING in found else OverallStatus.HEALTHY


class _Stored(NamedTuple):
    """What is stored of a symbol and shown of it; the names are the columns', after Symbol's own by relation."""

    pk: int
    ticker: str
    enabled: bool
    calendar: str
    created_at: datetime
    breaker__failures: int
    breaker__opened_at: datetime | None
    status__head: int | None
    status__cursor: int
    status__last_sequence: int
    status__attempts: int
    status__next_attempt_at: datetime | None
    status__lane: str
    status__newest: dict[str, str]
    status__watched: list[str]
    status__gaps: int
    status__bars_processed: int
    status__last_bar_time: datetime | None
    status__last_processed_at: datetime | None
    status__avg_latency_ms: float
    status__p95_latency_ms: int
    status__last_error: str


_of_rows = attrgetter(*(column.replace("__", ".") for column in _Stored._fields))


def symbol_status(symbol: Symbol, now: datetime) -> SymbolSummary:
    """What to show of one symbol, whose row and breaker are loaded with it. No queries."""
    return _summary(_Stored._make(_of_rows(symbol)), now)


def _summary(one: _Stored, now: datetime) -> SymbolSummary:
    rules = breaker_rules()
    stored = breaker.Breaker(failures=one.breaker__failures, opened_at=one.breaker__opened_at)
    circuit = stored.state(rules, now)
    calendar = calendar_of(one.ticker, one.calendar)
    hours, grace_s = partial(hours_of, calendar, now), settings.SCANNER_STALE_GRACE_S
    fresh = staleness.judge(one.status__newest, one.status__watched, hours, grace_s=grace_s, now=now)
    # The head will run at its own time, or at the half-open moment if that is later.
    runs = one.status__head is not None and one.enabled
    next_attempt_at = breaker.due(stored, rules, now, own=one.status__next_attempt_at) if runs else None
    return SymbolSummary(
        id=one.pk,
        symbol=one.ticker,
        state=symbol_state(enabled=one.enabled, circuit=circuit, attempts=one.status__attempts),
        last_processed=one.status__last_processed_at,
        consecutive_failures=one.breaker__failures,
        circuit_state=circuit,
        avg_latency_ms=one.status__avg_latency_ms,
        p95_latency_ms=one.status__p95_latency_ms,
        bars_processed=one.status__bars_processed,
        backlog=one.status__last_sequence - one.status__cursor,
        last_bar_time=one.status__last_bar_time,
        last_error=one.status__last_error or None,
        next_attempt_at=next_attempt_at,
        enabled=one.enabled,
        lane=one.status__lane,
        is_stale=fresh.is_stale,
        data_age_seconds=fresh.age_s,
        stale_for_s=fresh.stale_for_s,
        calendar=calendar,
        gaps=one.status__gaps,
        created_at=one.created_at,
    )


def symbols() -> QuerySet[Symbol]:
    """The symbols that are shown, each with what `symbol_status` needs; one query.

    Without the latencies: they are kilobytes a symbol, and nothing here shows them.
    """
    return Symbol.objects.filter(deleted_at=None).select_related("status", "breaker").defer("status__latencies")


def symbol_facts(one: SymbolSummary, slow: Mapping[str, int], **more: Any) -> SymbolFacts:
    """A symbol as the alert rules see it; `slow` as slow_symbols() returns it."""
    return SymbolFacts(
        id=one.id,
        ticker=one.symbol,
        enabled=one.enabled,
        healthy=one.state is SymbolState.PROCESSING,
        breaker_open=one.circuit_state is breaker.State.OPEN,
        slow_p95_ms=slow.get(one.symbol, 0),
        backlog=one.backlog,
        stale_for_s=one.stale_for_s,
        **more,
    )


def overview(now: datetime, fired: Sequence[Alert] | None = None) -> Overview:
    """All symbols, counted and judged. Five queries, whatever their number.

    `fired` are the alerts of `fired_alerts()`, from whoever shows them too; None: they are read here.
    """
    # Columns without rows' objects: of a thousand symbols these take twice the time of all else here.
    stored = symbols().order_by().values_list(*_Stored._fields)
    # Sorted here: databases differ in where they put "BRK.B" and "BTC/USD".
    shown = sorted((_summary(_Stored._make(one), now) for one in stored), key=lambda one: one.symbol)
    states = [one.state for one in shown]
    slow = slow_symbols(now)
    fired = fired_alerts() if fired is None else fired
    wrong = wrongs([symbol_facts(one, slow) for one in shown], fired, last_evaluation(), now)
    return Overview(
        overall_status=verdict(severity for severity, _ in wrong),
        reasons=[reason for _, reason in wrong],
        alerts=len(fired),
        total_symbols=len(shown),
        enabled_symbols=sum(one.enabled for one in shown),
        healthy_symbols=states.count(SymbolState.PROCESSING),
        paused_symbols=states.count(SymbolState.PAUSED),
        failed_symbols=states.count(SymbolState.FAILED),
        bars_per_second=bars_per_second(now),
        backlog=sum(one.backlog for one in shown),
        stale_symbols=sum(one.is_stale and one.enabled for one in shown),
        symbols=shown,
        slow=tuple(sorted(slow)),
    )


def fingerprint(whole: Overview) -> str:
    """The same for two overviews that differ in nothing but the ages, which grow with every moment."""
    told = (replace(whole, symbols=[]), [_WITHOUT_AGES(one) for one in whole.symbols])
    return sha256(as_json(told)).hexdigest()[:32]


def wrongs(
    seen: Sequence[SymbolFacts], fired: Sequence[Alert], evaluated_at: datetime | None, now: datetime
) -> list[tuple[str, str]]:
    """What is wrong, as (severity, sentence): the worst first, each rule once. No queries.

    The rules that the requirements give are judged here and now, so that they count before they have fired and when
    nobody evaluates them. Of the others those count that have fired and are not over, silenced ones included.
    """
    facts = Facts(now=now, limits=alert_limits(), symbols=tuple(seen))
    wrong = []
    for rule in RULES.values():
        if rule.at_once:
            messages = [(one.ticker, one.message) for one in rule.find(facts) or ()]
        else:
            messages = [
                (one.symbol.ticker if one.symbol else one.subject, one.message)
                for one in fired
                if one.rule == rule.name
            ]
        if messages and rule.severity != Severity.INFO:
            wrong.append((rule.severity, summed_up(rule, messages)))
    if reason := _silence(evaluated_at, now):
        wrong.append((Severity.WARNING, reason))
    return sorted(wrong, key=lambda one: one[0] != Severity.ERROR)


def summed_up(rule: Rule, messages: Sequence[tuple[str, str]]) -> str:
    """One sentence for what a rule has found: (symbol or subject, sentence) each."""
    if len(messages) == 1:
        return messages[0][1]
    names = named((name for name, _ in messages), len(messages))
    if rule.many:
        return f"{len(messages):,} {rule.many}: {names}."
    return f"{rule.title.capitalize()}: {len(messages):,} ({names})."


def fired_alerts() -> list[Alert]:
    """The alerts that have fired and are not over, oldest first; one query."""
    open_ones = Alert.objects.filter(state__in=FIRED_STATES).exclude(symbol__deleted_at__isnull=False)
    return list(open_ones.select_related("symbol").order_by("fired_at", "id"))


def last_evaluation() -> datetime | None:
    """When the alert rules were evaluated last; None: never. One query."""
    evaluated_at = Evaluation.objects.values_list("evaluated_at", flat=True).filter(pk=Evaluation.THE_ROW).first()
    return None if evaluated_at is None or evaluated_at == NEVER else evaluated_at


_serving_since: datetime | None = None


def serve_from(now: datetime) -> None:
    """This process begins to answer for a scanner that starts with it: its rules will be evaluated in a moment."""
    global _serving_since  # noqa: PLW0603 - one start a process
    _serving_since = now


def is_silent(evaluated_at: datetime, now: datetime) -> bool:
    """Whether nobody has evaluated the rules for too long. So it is too when the last time is yet to come.

    Then the clock has been set back since, and nothing is known of the time after.
    """
    return abs(now - evaluated_at) > SILENT_AFTER


def _silence(evaluated_at: datetime | None, now: datetime) -> str:
    """Why the alerts say nothing at present; empty while they do.

    What was evaluated before this process began to serve is another run's. A process that serves nobody, a command,
    judges by what is stored alone; and where there is nothing yet, nobody has ever meant to evaluate.
    """
    known = [time for time in (evaluated_at, _serving_since) if time is not None]
    if not known or not all(is_silent(time, now) for time in known):
        return ""
    if evaluated_at is None:
        silent = "yet"
    elif evaluated_at > now:
        silent = f"since the clock was set back: the last time is {(evaluated_at - now).total_seconds():,.0f} s ahead"
    else:
        silent = f"for {(now - evaluated_at).total_seconds():,.0f} s"
    return f"Nobody has evaluated the alert rules {silent}: beat, broker or the upkeep worker is down; see /readyz."


def slow_symbols(now: datetime, **which: Any) -> dict[str, int]:
    """The p95 latency in ms, by ticker, of the symbols whose fresh one is over the limit. One query.

    `which` are filters of their rows, if not all are asked about.

    The stored p95 can't choose them: five fresh slow bars after ninety-five quick old ones leave it low. But where
    the longest is within the limit, all are.
    """
    limit_ms = settings.SCANNER_ALERT_P95_MS
    rows = SymbolStatus.objects.filter(
        symbol__deleted_at=None,
        last_processed_at__gte=now - latency.FRESH,
        longest_latency_ms__gt=limit_ms,
        **which,
    )
    # As text, since orjson takes a third of the time of the field's own json. In chunks: a thousand symbols' pairs at
    # once are a hundred thousand lists, and the collector's work.
    texts = rows.annotate(kept=Cast("latencies", TextField())).values_list("symbol__ticker", "kept")
    return {
        ticker: p95_ms
        for ticker, kept in texts.iterator(chunk_size=50)
        if (p95_ms := latency.fresh_p95(orjson.loads(kept), now)) is not None and p95_ms > limit_ms
    }


def bars_per_second(now: datetime) -> float:
    """Bars processed in the last RATE_SPAN, for each of its seconds. One query."""
    done = Bar.objects.filter(finished_at__gt=now - RATE_SPAN, finished_at__lte=now, status=BarStatus.PROCESSED).count()
    return done / RATE_SPAN.total_seconds()
