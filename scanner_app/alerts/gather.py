"""Gather what the rules judge: in one place, with a fixed number of queries and one look at the broker."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery
from redis.exceptions import RedisError

from scanner_app.conf import alert_limits, breaker_rules
from scanner_app.domain.alert_rules import BrokerFacts, Facts, Limits, SymbolFacts, WorkerFacts
from scanner_app.domain.alert_rules.no_worker import consumers, shards_of
from scanner_app.mailbox.heads import message_of
from scanner_app.messaging import heartbeats, redis_client, sweep_memory
from scanner_app.messaging.heartbeats import Heartbeat
from scanner_app.models import Bar, Evaluation, SymbolEvent, SymbolStatus
from scanner_app.reading import clocks, quarantine_entries, status
from scanner_app.workers.queue_following import shard_of

BROKER_TRIES = 2
"""A second try before the broker counts as away: the first may have met a connection that it had closed."""


def gather(now: datetime, *, by_beat: bool = False) -> Facts:
    """Everything at the time `now`. Raises what the database raises; a broker that is away is a fact.

    `by_beat`: beat asks for it, which is beat's sign of life.
    """
    database_ms, beat_at = _ask_database(now, by_beat=by_beat)
    said, outages = _ask_broker()
    bounds = alert_limits()
    return Facts(
        now=now,
        limits=bounds,
        symbols=_symbols(bounds, outages, shards_of(said.workers), now),
        broker=said,
        database_ms=database_ms,
        # A time that is yet to come is no sign of life either: the clock was set back.
        beat_ago_s=None if beat_at is None else abs((now - beat_at).total_seconds()),
        sweep_patience_s=sweep_memory.sweep_patience_s(),
        sweep_memory_s=sweep_memory.memory_s(),
        watch_s=settings.SCANNER_WATCH_S,
        in_quarantine=dict(
            quarantine_entries.open_entries().order_by().values_list("symbol__ticker").annotate(bars=Count("pk"))
        ),
    )


def _ask_database(now: datetime, *, by_beat: bool) -> tuple[float, datetime | None]:
    """What one small write took, in ms, and when beat asked last."""
    the_row = Evaluation.objects.filter(pk=Evaluation.THE_ROW)
    asked = {"asked_at": now, "beat_at": now} if by_beat else {"asked_at": now}
    began = time.perf_counter()
    there = the_row.update(**asked)
    took_ms = (time.perf_counter() - began) * 1000
    if not there:
        Evaluation.objects.bulk_create([Evaluation(pk=Evaluation.THE_ROW, **asked)], ignore_conflicts=True)
    return took_ms, the_row.values_list("beat_at", flat=True).get()


def _ask_broker() -> tuple[BrokerFacts, dict[str, int]]:
    """What the broker says, and how many runs in a row of which delivery ended with an outage."""
    error = ""
    for _ in range(BROKER_TRIES):
        try:
            return _broker_facts(), sweep_memory.outage_counts()
        except RedisError as exc:
            error = f"{type(exc).__name__}: {exc}".splitlines()[0][:200].rstrip(".")
    return BrokerFacts(error=error), {}


def _broker_facts() -> BrokerFacts:
    began = time.perf_counter()
    redis_client.client().ping()
    answer_ms = (time.perf_counter() - began) * 1000
    living, swept = heartbeats.read_all(), sweep_memory.last_sweep()
    ahead_s = clocks.workers_ahead_s(living)
    return BrokerFacts(
        answer_ms=answer_ms,
        workers=tuple(_worker(name, one, ahead_s.get(name)) for name, one in sorted(living.items())),
        # By the broker's and the sweeper's own times, which are real: whatever `now` is.
        swept_ago_s=None if swept is None else time.time() - swept,
    )


def _worker(name: str, heartbeat: Heartbeat, clock_ahead_s: float | None) -> WorkerFacts:
    return WorkerFacts(
        name=name,
        role=heartbeat.role,
        shard=heartbeat.shard,
        unconsumed_s=heartbeat.unconsumed_s,
        deaf=heartbeat.is_deaf,
        clock_ahead_s=clock_ahead_s,
    )


def _symbols(bounds: Limits, outages: Mapping[str, int], shards: int, now: datetime) -> tuple[SymbolFacts, ...]:
    slow, due = status.slow_symbols(now), _due_since(bounds, now)
    found = []
    for symbol in status.symbols().order_by("ticker"):
        row = symbol.status
        found.append(
            status.symbol_facts(
                status.symbol_status(symbol, now),
                slow,
                consumers=consumers(row.lane, shard_of(symbol.ticker, shards), shards),
                due_since=due.get(symbol.pk),
                outages=outages.get(_delivery(row), 0) if outages else 0,
            )
        )
    return tuple(found)


def _delivery(row: SymbolStatus) -> str:
    """What workers and broker know the head's present attempt by; empty without a head."""
    return "" if row.head is None else message_of(row).identity


def _due_since(bounds: Limits, now: datetime) -> dict[int, datetime]:
    """Since when the head of a symbol could have run, by the symbol's id; one query.

    Only of those that may be stuck: the others have had a bar done within the limit, so that no head of theirs has
    been due for as long. The symbol's last event counts too: whoever enables it or skips a bar, say, starts anew.
    """
    head = Bar.objects.filter(symbol_id=OuterRef("symbol_id"), sequence=OuterRef("head"))
    limit = now - timedelta(seconds=bounds.stuck_s)
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
