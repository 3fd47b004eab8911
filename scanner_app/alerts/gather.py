"""Collect the facts that the alert rules judge, with a fixed number of queries and one read of the broker."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery
from redis.exceptions import RedisError

from scanner_app.conf import alert_limits, breaker_rules
from scanner_app.domain.alert_rules import BrokerFacts, Facts, FailedRule, Limits, SymbolFacts, WorkerFacts
from scanner_app.mailbox.heads import message_of
from scanner_app.messaging import heartbeats, live_feeds, ready_lists, sweep_memory
from scanner_app.messaging.heartbeats import Heartbeat
from scanner_app.messaging.queue_names import queue_name
from scanner_app.models import Bar, Evaluation, SymbolEvent, SymbolStatus
from scanner_app.reading import clocks, feeds, quarantine_entries, symbol_status, unexpected, write_checks
from scanner_app.signals.rules import failed_rules

MAX_FAILED_RULES = 20
"""Traders' rules that one evaluation tells of: if more fail at once, they have one cause."""

BROKER_TRIES = 2
"""Tries before the broker counts as unreachable: the first may have used a connection that the broker had closed."""


def gather(now: datetime, *, by_beat: bool = False) -> Facts:
    """All facts at the time `now`. Raises what the database raises; an unreachable broker is a fact, no error.

    `by_beat`: beat started this evaluation. Its time is stored as the sign that beat is alive.
    """
    database_ms, beat_at, evaluated_at = _measure_database(now, by_beat=by_beat)
    feeds_to_run = feeds.enabled()
    broker, outages, feeds_heard = _read_broker(one.name for one in feeds_to_run)
    limits = alert_limits()
    return Facts(
        now=now,
        limits=limits,
        evaluated_at=evaluated_at,
        symbols=_symbols(limits, outages, broker.ready, now),
        broker=broker,
        database_ms=database_ms,
        # abs(): a time in the future is no sign of life either, since the clock was set back.
        beat_ago_s=None if beat_at is None else abs((now - beat_at).total_seconds()),
        sweep_patience_s=sweep_memory.sweep_patience_s(),
        sweep_memory_s=sweep_memory.memory_s(),
        watch_s=settings.SCANNER_WATCH_S,
        feeds=feeds.facts(feeds_to_run, feeds_heard, now),
        in_quarantine=dict(
            quarantine_entries.open_entries().order_by().values_list("symbol__ticker").annotate(bars=Count("pk"))
        ),
        failed_rules=tuple(FailedRule(**one) for one in failed_rules(MAX_FAILED_RULES)),
        unexpected=unexpected.lately(now),
    )


def _measure_database(now: datetime, *, by_beat: bool) -> tuple[float, datetime | None, datetime]:
    """Duration of one small write, in ms; when beat last started an evaluation; when the rules were last evaluated."""
    the_row = Evaluation.objects.filter(pk=Evaluation.THE_ROW)
    times = {"asked_at": now, "beat_at": now} if by_beat else {"asked_at": now}
    began = time.perf_counter()
    exists = the_row.update(**times)
    took_ms = (time.perf_counter() - began) * 1000
    if not exists:
        Evaluation.objects.bulk_create([Evaluation(pk=Evaluation.THE_ROW, **times)], ignore_conflicts=True)
    return took_ms, *the_row.values_list("beat_at", "evaluated_at").get()


def _read_broker(feed_names: Iterable[str]) -> tuple[BrokerFacts, dict[str, int], dict[str, live_feeds.Heartbeat]]:
    """What the broker knows; by message, how many of its runs in a row ended with an outage; feeds' heartbeats."""
    names = list(feed_names)
    error, refused = "", ""
    for _ in range(BROKER_TRIES):
        try:
            return _broker_facts(), sweep_memory.outage_counts(), live_feeds.read(names)
        except RedisError as exc:
            refused = write_checks.broker_cause(exc)
            error = f"{type(exc).__name__}: {exc}".splitlines()[0][:200].rstrip(".")
    return BrokerFacts(error=refused or error, refuses=bool(refused)), {}, {}


def _broker_facts() -> BrokerFacts:
    began = time.perf_counter()
    write_checks.write_to_broker()
    answer_ms = (time.perf_counter() - began) * 1000
    living, swept = heartbeats.read_all(), sweep_memory.last_sweep()
    ahead_s = clocks.workers_ahead_s(living)
    return BrokerFacts(
        answer_ms=answer_ms,
        workers=tuple(_worker(name, one, ahead_s.get(name)) for name, one in sorted(living.items())),
        # time.time() and not `now`: the sweeper stored the real time, and `now` may be another.
        swept_ago_s=None if swept is None else time.time() - swept,
        ready=frozenset(ready_lists.named()),
    )


def _worker(name: str, heartbeat: Heartbeat, clock_ahead_s: float | None) -> WorkerFacts:
    return WorkerFacts(
        name=name,
        role=heartbeat.role,
        unanswered_s=heartbeat.unanswered_s,
        deaf=heartbeat.is_deaf,
        clock_ahead_s=clock_ahead_s,
    )


def _symbols(
    limits: Limits, outages: Mapping[str, int], ready: frozenset[str], now: datetime
) -> tuple[SymbolFacts, ...]:
    slow, due = symbol_status.slow_symbols(now), _due_since(limits, now)
    found = []
    for symbol in symbol_status.shown_symbols().order_by("ticker"):
        row = symbol.status
        found.append(
            symbol_status.symbol_facts(
                symbol_status.summary(symbol, now),
                slow,
                lane=row.lane,
                due_since=due.get(symbol.pk),
                in_line=symbol.pk in due and queue_name(symbol.ticker, row.lane) in ready,
                outages=outages.get(_message_identity(row), 0) if outages else 0,
            )
        )
    return tuple(found)


def _message_identity(row: SymbolStatus) -> str:
    """The identity of the message for the head's current attempt; empty without a head."""
    return "" if row.head is None else message_of(row).identity


def _due_since(limits: Limits, now: datetime) -> dict[int, datetime]:
    """Since when the head of a symbol could have run, by the symbol's id; one query.

    Only symbols that may be stuck: the others have finished a bar within the limit, so that their heads can't have been
    due for so long. The symbol's last event counts too: an operator who enables it or skips a bar restarts the time.
    """
    head = Bar.objects.filter(symbol_id=OuterRef("symbol_id"), sequence=OuterRef("head"))
    limit = now - timedelta(seconds=limits.stuck_s)
    rows = (
        SymbolStatus.objects.filter(head__isnull=False, symbol__enabled=True, symbol__deleted_at=None)
        .filter(Q(last_processed_at=None) | Q(last_processed_at__lt=limit))
        .filter(Q(next_attempt_at=None) | Q(next_attempt_at__lt=limit))
        .annotate(
            accepted_at=Subquery(head.values("accepted_at")),
            event_at=Subquery(
                SymbolEvent.objects.filter(symbol_id=OuterRef("symbol_id")).order_by("-id").values("at")[:1]
            ),
        )
    )
    recovery = breaker_rules().recovery
    due = {}
    for symbol_id, opened_at, *times in rows.values_list(
        "symbol_id",
        "symbol__breaker__opened_at",
        "accepted_at",
        "event_at",
        "last_processed_at",
        "next_attempt_at",
    ):
        half_open_at = None if opened_at is None else opened_at + recovery
        since = max((time for time in (*times, half_open_at) if time is not None), default=None)
        if since is not None and since < now:
            due[symbol_id] = since
    return due
