"""What the admin's start page shows: the overall status, symbols in trouble, alerts and workers."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from scanner_app.domain import breaker
from scanner_app.domain.enums import SymbolState
from scanner_app.messaging import heartbeats, sweep_memory
from scanner_app.models import Alert
from scanner_app.reading import quarantine_entries, status
from scanner_app.reading.readiness import missing_roles
from scanner_app.reading.status import Overview
from scanner_app.reading.symbol_status import SymbolSummary

MAX_ROWS = 10
"""Symbols in trouble that the start page lists, and as many alerts."""

MAX_COUNT = 1_000
"""Bars in quarantine that are counted; above this number the page shows "1,000+"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker by its last heartbeat."""

    name: str
    role: str
    holds: int  # messages that it runs, or keeps until a pool process is free or their time has come
    heartbeat_ago_s: float  # since its last heartbeat
    deaf: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOverview:
    """The workers and the sweeper, by what they wrote to Redis."""

    answers: bool  # whether Redis answers
    workers: list[Worker]
    missing: Sequence[str]  # roles that no living worker has
    swept_ago_s: float | None  # since the sweeper's last run; None: Redis has forgotten it
    sweeper_late: bool


def trouble(overview: Overview) -> list[SymbolSummary]:
    """The symbols in trouble, the worst first."""
    worst = {SymbolState.FAILED: 0, SymbolState.PAUSED: 1, SymbolState.PROCESSING: 2}
    found = [one for one in overview.symbols if one.in_trouble]
    return sorted(found, key=lambda one: (worst[one.state], -one.consecutive_failures, -one.backlog, one.symbol))


def worker_overview(now_s: float) -> WorkerOverview:
    """Workers and sweeper at the time `now_s`, in unix s. If Redis does not answer: no workers, and a late sweeper."""
    try:
        living, swept = heartbeats.read_all(), sweep_memory.last_sweep()
    except RedisError:
        return WorkerOverview(answers=False, workers=[], missing=[], swept_ago_s=None, sweeper_late=True)
    workers = [
        Worker(
            name=name,
            role=one.role,
            holds=len(one.held),
            heartbeat_ago_s=max(0.0, now_s - one.at),
            deaf=one.is_deaf,
        )
        for name, one in sorted(living.items())
    ]
    ago_s = None if swept is None else max(0.0, now_s - swept)
    late = ago_s is None or ago_s > sweep_memory.sweep_patience_s()
    missing = missing_roles(one.role for one in living.values())
    return WorkerOverview(answers=True, workers=workers, missing=missing, swept_ago_s=ago_s, sweeper_late=late)


def worst_first(fired: Iterable[Alert]) -> list[Alert]:
    """The alerts by severity, the worst first; of equal severity the newest first."""
    return sorted(fired, key=lambda one: (-one.weight, -one.pk))


def context(now: datetime) -> dict[str, Any]:
    """The template's variables. As many queries for a thousand symbols as for one."""
    fired = status.fired_alerts()
    overview = status.overview(now, fired)
    troubled = trouble(overview)
    quarantined = quarantine_entries.open_entries().order_by()[: MAX_COUNT + 1].count()
    alerts = worst_first(fired)
    return {
        "overview": overview,
        "disabled": overview.total_symbols - overview.enabled_symbols,
        "open_breakers": sum(one.circuit_state is breaker.State.OPEN for one in overview.symbols),
        "trouble": troubled[:MAX_ROWS],
        "more_trouble": max(0, len(troubled) - MAX_ROWS),
        "alerts": alerts[:MAX_ROWS],
        "more_alerts": len(alerts) > MAX_ROWS,
        "quarantined": f"{MAX_COUNT:,}+" if quarantined > MAX_COUNT else f"{quarantined:,}",
        "worker_overview": worker_overview(time.time()),
        "now": now,
    }
