"""What the admin's start page shows: how the whole is doing, who is in trouble, and who works."""

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
from scanner_app.reading.status import Overview, SymbolSummary

SHOWN = 10
"""Symbols in trouble, and alerts, that the start page names; of more it tells the number."""

COUNTED = 1_000
"""Bars in quarantine that are counted; nobody needs to know by how much there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker by its last heartbeat."""

    name: str
    role: str
    holds: int  # messages: running, waiting for a slot, or for their time
    beat_ago_s: float
    deaf: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Who works, by what Redis says of it."""

    answers: bool
    workers: list[Worker]
    missing: Sequence[str]  # roles that no living worker has
    swept_ago_s: float | None  # None: not lately
    sweeper_late: bool


def trouble(overview: Overview) -> list[SymbolSummary]:
    """The symbols that need a look, the worst first; those that an operator has switched off need none."""
    worst = {SymbolState.FAILED: 0, SymbolState.PAUSED: 1, SymbolState.PROCESSING: 2}
    found = [one for one in overview.symbols if one.enabled and (one.state != SymbolState.PROCESSING or one.is_stale)]
    return sorted(found, key=lambda one: (worst[one.state], -one.consecutive_failures, -one.backlog, one.symbol))


def engine(now_s: float) -> Engine:
    """The workers and the sweeper at the moment `now_s` (unix s); a broker that is away has neither."""
    try:
        living, swept = heartbeats.read_all(), sweep_memory.last_sweep()
    except RedisError:
        return Engine(answers=False, workers=[], missing=[], swept_ago_s=None, sweeper_late=True)
    workers = [
        Worker(
            name=name,
            role=one.role,
            holds=len(one.held),
            beat_ago_s=max(0.0, now_s - one.at),
            deaf=one.is_deaf,
        )
        for name, one in sorted(living.items())
    ]
    ago_s = None if swept is None else max(0.0, now_s - swept)
    late = ago_s is None or ago_s > sweep_memory.sweep_patience_s()
    missing = missing_roles(one.role for one in living.values())
    return Engine(answers=True, workers=workers, missing=missing, swept_ago_s=ago_s, sweeper_late=late)


def worst_first(fired: Iterable[Alert]) -> list[Alert]:
    """The worst alerts first, of these the newest."""
    return sorted(fired, key=lambda one: (-one.weight, -one.pk))


def context(now: datetime) -> dict[str, Any]:
    """For the template. As many queries for a thousand symbols as for one."""
    fired = status.fired_alerts()
    overview = status.overview(now, fired)
    troubled = trouble(overview)
    quarantined = quarantine_entries.open_entries().order_by()[: COUNTED + 1].count()
    alerts = worst_first(fired)
    return {
        "overview": overview,
        "disabled": overview.total_symbols - overview.enabled_symbols,
        "open_breakers": sum(one.circuit_state is breaker.State.OPEN for one in overview.symbols),
        "trouble": troubled[:SHOWN],
        "more_trouble": max(0, len(troubled) - SHOWN),
        "alerts": alerts[:SHOWN],
        "more_alerts": len(alerts) > SHOWN,
        "quarantined": f"{COUNTED:,}+" if quarantined > COUNTED else f"{quarantined:,}",
        "engine": engine(time.time()),
        "now": now,
    }
