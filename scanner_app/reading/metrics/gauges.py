"""The current state, read from database and broker at the moment of a scrape: no process has to keep it up to date.

The number of series is bounded: states, roles and channels are few, and at most SCANNER_METRICS_SYMBOLS symbols have
series of their own, those in trouble first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Count
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from scanner_app.domain import breaker, enums
from scanner_app.domain.alert_rules import RULES
from scanner_app.domain.enums import Lane, NotificationKind
from scanner_app.domain.worker_roles import LANE_ROLES, Role
from scanner_app.messaging import heartbeats, queue_contents, ready_lists, sweep_memory
from scanner_app.models import Alert, Notification
from scanner_app.reading import feeds, quarantine_entries, status, symbol_status

log = structlog.get_logger(__name__)

NOTIFICATION_SPAN = timedelta(days=1)
"""The age up to which notifications are counted: the metric should show whether they arrive now."""

OVERALL = {enums.OverallStatus.HEALTHY: 0, enums.OverallStatus.DEGRADED: 1, enums.OverallStatus.UNHEALTHY: 2}
FEED = {state: place for place, state in enumerate(enums.FeedState)}
BREAKER = {breaker.State.CLOSED: 0, breaker.State.HALF_OPEN: 1, breaker.State.OPEN: 2}


class StateCollector(Collector):
    """Collects the state at the time `now`. If the database or the broker fails, `scanner_up` says so instead."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        up = GaugeMetricFamily("scanner_up", "Whether the part answers: 1 or 0", labels=["part"])
        try:
            fired = status.fired_alerts()
            whole = status.overview(self.now, fired)
            yield from [*_overall(whole), *_symbols(whole.symbols), *_others(fired, self.now)]
            yield from _feeds(self.now)
            up.add_metric(["database"], 1)
        except (OperationalError, InterfaceError) as exc:
            log.warning("metrics_without", part="database", error=str(exc))
            up.add_metric(["database"], 0)
        try:
            yield from [*_workers(self.now), _queues()]
            up.add_metric(["broker"], 1)
        except RedisError as exc:
            log.warning("metrics_without", part="broker", error=str(exc))
            up.add_metric(["broker"], 0)
        yield up


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _labelled(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for labelled, value in values:
        family.add_metric([labelled], value)
    return family


def _overall(whole: status.Overview) -> Iterator[Metric]:
    enabled = [one for one in whole.symbols if one.enabled]
    states = Counter(one.state for one in whole.symbols)
    circuits = Counter(one.circuit_state for one in whole.symbols)
    # A symbol has a head exactly while it has a backlog.
    heads = Counter(one.lane for one in enabled if one.backlog)
    yield _gauge(
        "scanner_overall_status",
        "The overall status: 0 healthy, 1 degraded, 2 unhealthy",
        OVERALL[whole.overall_status],
    )
    yield _labelled(
        "scanner_symbols", "Symbols by state", "state", [(state.value, states[state]) for state in enums.SymbolState]
    )
    yield _gauge("scanner_symbols_enabled", "Symbols that are not disabled", whole.enabled_symbols)
    yield _gauge("scanner_symbols_stale", "Enabled symbols whose feed is late", whole.stale_symbols)
    yield _labelled(
        "scanner_breakers", "Breakers by state", "state", [(state.value, circuits[state]) for state in breaker.State]
    )
    yield _gauge("scanner_backlog_bars", "Bars that are not finished, heads included", whole.backlog)
    yield _labelled(
        "scanner_heads",
        "Heads of enabled symbols, in flight or waiting",
        "lane",
        [(lane, heads[lane]) for lane in list(Lane)],
    )
    yield _gauge(
        "scanner_gaps", "Gaps inside the series of all symbols, as last counted", sum(one.gaps for one in whole.symbols)
    )


def _symbols(symbols: list[symbol_status.SymbolSummary]) -> Iterator[Metric]:
    """The series of single symbols."""
    chosen = sorted(symbols, key=_trouble_first)[: settings.SCANNER_METRICS_SYMBOLS]
    yield _gauge("scanner_symbols_without_series", "Symbols beyond SCANNER_METRICS_SYMBOLS", len(symbols) - len(chosen))
    values: list[tuple[str, str, list[tuple[str, float]]]] = [
        ("scanner_symbol_backlog_bars", "Bars that are not finished", [(one.symbol, one.backlog) for one in chosen]),
        (
            "scanner_symbol_breaker_state",
            "0 closed, 1 half-open, 2 open",
            [(one.symbol, BREAKER[one.circuit_state]) for one in chosen],
        ),
        (
            "scanner_symbol_latency_p95_seconds",
            "p95 latency of the last 100 bars that were neither held nor history",
            [(one.symbol, one.p95_latency_ms / 1000) for one in chosen],
        ),
        (
            "scanner_symbol_data_age_seconds",
            "Time since the end of the newest known bar; no series without one",
            [(one.symbol, one.data_age_seconds) for one in chosen if one.data_age_seconds is not None],
        ),
        (
            "scanner_symbol_stale_seconds",
            "Trading time by which the feed is late beyond what is allowed; 0 while it is not",
            [(one.symbol, one.stale_for_s) for one in chosen],
        ),
    ]
    for name, text, pairs in values:
        yield _labelled(name, text, "symbol", pairs)


def _trouble_first(one: symbol_status.SymbolSummary) -> tuple[bool, str]:
    """Sort key: symbols in trouble first, then by ticker."""
    return (not one.in_trouble, one.symbol)


def _others(fired: Iterable[Alert], now: datetime) -> Iterator[Metric]:
    yield _gauge("scanner_quarantine_bars", "Bars in quarantine", quarantine_entries.open_entries().count())
    notifications = GaugeMetricFamily(
        "scanner_notifications", "Notifications of the last day", labels=["channel", "state"]
    )
    real = Notification.objects.exclude(kind=NotificationKind.DRILL)
    rows = real.filter(at__gt=now - NOTIFICATION_SPAN).order_by().values_list("channel", "state")
    for channel, state, number in rows.annotate(number=Count("pk")):
        notifications.add_metric([channel, state], number)
    yield notifications
    firing = GaugeMetricFamily("scanner_alerts", "Alerts that have fired and are not over", labels=["rule", "severity"])
    counts = Counter(alert.rule for alert in fired)
    for rule in RULES.values():  # 0 too: a series that begins with its first alert would hide the increase
        firing.add_metric([rule.name, rule.severity], counts[rule.name])
    yield firing


def _feeds(now: datetime) -> Iterator[Metric]:
    """The live feeds that are to run; without one there is no series, and no question to the broker."""
    shown = [one for one in feeds.of_all(now) if one.enabled]
    if not shown:
        return
    values: list[tuple[str, str, list[tuple[str, float]]]] = [
        (
            "scanner_feed_state",
            "0 live, 1 catching up, 2 silent, 3 down",
            [(one.name, FEED[one.state]) for one in shown],
        ),
        (
            "scanner_feed_lag_seconds",
            "Of the feed's newest bars, the longest from the bar's end to its acceptance",
            [(one.name, one.lag_s) for one in shown if one.lag_s is not None],
        ),
        (
            "scanner_feed_quiet_seconds",
            "Time since the last message of the feed's venue",
            [(one.name, quiet) for one in shown if (quiet := one.quiet_s(now)) is not None],
        ),
        (
            "scanner_feed_gaps_open",
            "Holes in the feed's series that are open",
            [(one.name, one.gaps_open) for one in shown],
        ),
        ("scanner_feed_series", "Series that the feed is to bring", [(one.name, one.series) for one in shown]),
    ]
    for name, text, pairs in values:
        yield _labelled(name, text, "feed", pairs)


def _workers(now: datetime) -> Iterator[Metric]:
    living = heartbeats.read_all().values()
    workers = Counter(one.role for one in living)
    held: Counter[str] = Counter()
    for one in living:
        held[one.role] += len(one.held)
    yield _labelled("scanner_workers", "Workers with a heartbeat", "role", [(role, workers[role]) for role in Role])
    yield _labelled(
        "scanner_held_messages",
        "Messages that workers run or keep for later",
        "role",
        [(role, held[role]) for role in Role],
    )
    yield _gauge(
        "scanner_unheard_seconds",
        "The longest time that a worker with a free slot has had no answer from the broker",
        max((one.unanswered_s for one in living), default=0),
    )
    swept = sweep_memory.last_sweep()
    if swept is not None:
        yield _gauge(
            "scanner_sweep_age_seconds", "Time since the sweeper's last run", max(0.0, now.timestamp() - swept)
        )


def _queues() -> Metric:
    """Queued messages; of the symbols' queues, the names on the ready lists: one for each message."""
    others = [role.value for role in Role if role not in LANE_ROLES]
    return _labelled(
        "scanner_queued_messages",
        "Messages in queues, by the role of the worker that takes them",
        "role",
        list({**ready_lists.depths(), **queue_contents.depths(others)}.items()),
    )
