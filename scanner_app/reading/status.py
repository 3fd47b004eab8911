"""The overall status: all symbols counted, and what is wrong with the scanner as a whole.

Each function takes the same number of queries for one symbol and for a thousand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from hashlib import sha256
from operator import attrgetter

from django.conf import settings

from scanner_app.conf import alert_limits
from scanner_app.domain.alert_rules import RULES, Facts, Rule, SymbolFacts, broker_away
from scanner_app.domain.alert_rules.interface import some_names
from scanner_app.domain.drill import AlarmPath
from scanner_app.domain.enums import FIRED_STATES, BarStatus, OverallStatus, Severity, SymbolState
from scanner_app.domain.tickers import CANARY
from scanner_app.models import Alert, Bar, Evaluation, Symbol
from scanner_app.models.alerts import NEVER
from scanner_app.reading import drills, write_checks
from scanner_app.reading.encoding import as_json
from scanner_app.reading.symbol_status import SymbolSummary, all_summaries, slow_symbols, symbol_facts

RATE_SPAN = timedelta(seconds=10)
"""The time over which `bars_per_second` is the mean."""

OVERDUE_AFTER = timedelta(seconds=30)
"""Time without an evaluation of the alert rules after which problems may be hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All symbols at one moment. The names are the API's."""

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
    alarm_path: AlarmPath
    watcher: "WatcherPing | None" = None  # the last ping to the outside watcher; None: there was none
    slow: tuple[str, ...] = ()  # tickers of those whose p95 of fresh bars is over the limit


@dataclass(frozen=True, slots=True)
class WatcherPing:
    """The last ping to SCANNER_PING_URL."""

    at: datetime
    answer: str  # "answer 200", "failed: ConnectError", or "withheld: " and why


_AGES = {"data_age_seconds", "stale_for_s"}
_without_ages = attrgetter(*(one.name for one in fields(SymbolSummary) if one.name not in _AGES))


def verdict(severities: Iterable[str]) -> OverallStatus:
    """The overall status, by the severities of the problems: healthy without any, or with `info` only."""
    found = set(severities)
    if Severity.ERROR in found:
        return OverallStatus.UNHEALTHY
    return OverallStatus.DEGRADED if Severity.WARNING in found else OverallStatus.HEALTHY


def overview(now: datetime, fired: Sequence[Alert] | None = None) -> Overview:
    """All symbols, counted and judged. Six queries, whatever their number.

    `fired`: the result of `fired_alerts()`, if the caller has it already. None: it is read here.
    """
    shown = all_summaries(now)
    states = [one.state for one in shown]
    slow = slow_symbols(now)
    fired = fired_alerts() if fired is None else fired
    evaluation = Evaluation.objects.filter(pk=Evaluation.THE_ROW).first()
    evaluated_at = _evaluated_at(evaluation)
    found = problems([symbol_facts(one, slow) for one in shown], fired, evaluated_at, now, unwritable())
    return Overview(
        overall_status=verdict(severity for severity, _ in found),
        reasons=[reason for _, reason in found],
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
        watcher=_last_ping(evaluation),
        alarm_path=drills.alarm_path(now),
        slow=tuple(sorted(slow)),
    )


def fingerprint(whole: Overview) -> str:
    """Equal for two overviews that differ only in the ages, which grow with every moment."""
    alarm_path = replace(whole.alarm_path, said="")
    content = (replace(whole, symbols=[], alarm_path=alarm_path), [_without_ages(one) for one in whole.symbols])
    return sha256(as_json(content)).hexdigest()[:32]


def unwritable() -> list[tuple[str, str]]:
    """Why no bar gets any further, for want of a write, as (severity, sentence); empty while writes succeed."""
    database, broker = write_checks.database_problem(), write_checks.broker_problem()
    found: list[tuple[str, str]] = []
    if database:
        found.append((Severity.ERROR, f"{database}. No bar is accepted or finished until it does."))
    if broker:
        found.append((Severity.ERROR, f"{broker}. Bars are accepted, and wait."))
    if not found and (workers := write_checks.workers_problem()):
        found.append((Severity.WARNING, f"{workers}."))
    return found


def problems(
    symbols: Sequence[SymbolFacts],
    fired: Sequence[Alert],
    evaluated_at: datetime | None,
    now: datetime,
    more: Sequence[tuple[str, str]] = (),
) -> list[tuple[str, str]]:
    """What is wrong, as (severity, sentence): the worst first, one sentence for each rule. No queries.

    The rules that the requirements give are judged here, so that they count at once, also before their alerts fire and
    while nobody evaluates the rules. Other rules count by their alerts that have fired and are not over, silenced ones
    included. `more`: other problems, which come first among those of their severity.
    """
    facts = Facts(now=now, limits=alert_limits(), symbols=tuple(symbols))
    found = list(more)
    for rule in RULES.values():
        if more and rule.name == broker_away.RULE.name:
            continue  # `more` says the same, of now
        if rule.counts_at_once:
            messages = [(one.ticker, one.message) for one in rule.find(facts) or ()]
        else:
            messages = [
                (one.symbol.ticker if one.symbol else one.subject, one.message)
                for one in fired
                if one.rule == rule.name
            ]
        if messages and rule.severity != Severity.INFO:
            found.append((rule.severity, reason_of(rule, messages)))
    if reason := _overdue_reason(evaluated_at, now):
        found.append((Severity.WARNING, reason))
    return sorted(found, key=lambda one: one[0] != Severity.ERROR)


def reason_of(rule: Rule, messages: Sequence[tuple[str, str]]) -> str:
    """One sentence for all findings of a rule, which are given as (symbol or subject, sentence)."""
    if len(messages) == 1:
        return messages[0][1]
    names = some_names((name for name, _ in messages), len(messages))
    if rule.plural_title:
        return f"{len(messages):,} {rule.plural_title}: {names}."
    return f"{rule.title.capitalize()}: {len(messages):,} ({names})."


def fired_alerts() -> list[Alert]:
    """The alerts that have fired and are not over, oldest first. One query."""
    open_ones = Alert.objects.filter(state__in=FIRED_STATES).exclude(symbol__deleted_at__isnull=False)
    return list(open_ones.select_related("symbol").order_by("fired_at", "id"))


def last_evaluation() -> datetime | None:
    """When the alert rules were evaluated last; None: never. One query."""
    return _evaluated_at(Evaluation.objects.filter(pk=Evaluation.THE_ROW).first())


def _evaluated_at(row: Evaluation | None) -> datetime | None:
    return None if row is None or row.evaluated_at == NEVER else row.evaluated_at


def _last_ping(row: Evaluation | None) -> WatcherPing | None:
    if row is None or row.pinged_at is None or not settings.SCANNER_PING_URL:
        return None
    return WatcherPing(row.pinged_at, row.ping_answer)


_serving_since: datetime | None = None


def serve_from(now: datetime) -> None:
    """Note that this process starts together with the scanner: until OVERDUE_AFTER has passed, no rule is overdue."""
    global _serving_since  # noqa: PLW0603 - one start a process
    _serving_since = now


def is_overdue(evaluated_at: datetime, now: datetime) -> bool:
    """Whether the last evaluation of the rules is too long ago.

    A time in the future is overdue too: the clock was set back since, and nothing is known of the time after that.
    """
    return abs(now - evaluated_at) > OVERDUE_AFTER


def _overdue_reason(evaluated_at: datetime | None, now: datetime) -> str:
    """The sentence that the rules are not evaluated; empty while they are.

    An evaluation from before this process began to serve belongs to an earlier run of the scanner, so it is not
    overdue yet. A process that does not serve, such as a command, goes by the stored time alone. Without a stored
    time nobody has started the scanner yet.
    """
    known = [time for time in (evaluated_at, _serving_since) if time is not None]
    if not known or not all(is_overdue(time, now) for time in known):
        return ""
    if evaluated_at is None:
        since = "yet"
    elif evaluated_at > now:
        since = f"since the clock was set back: the last time is {(evaluated_at - now).total_seconds():,.0f} s ahead"
    else:
        since = f"for {(now - evaluated_at).total_seconds():,.0f} s"
    return f"Nobody has evaluated the alert rules {since}: beat, broker or the upkeep worker is down; see /readyz."


def bars_per_second(now: datetime) -> float:
    """Bars processed per second, as the mean of the last RATE_SPAN. One query."""
    done = Bar.objects.filter(finished_at__gt=now - RATE_SPAN, finished_at__lte=now, status=BarStatus.PROCESSED)
    of_drills = Symbol.objects.filter(ticker=CANARY).values("pk")
    return done.exclude(symbol__in=of_drills).count() / RATE_SPAN.total_seconds()
