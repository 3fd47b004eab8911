"""What the admin's start page shows: the overall status, symbols in trouble, alerts and workers."""

import time
from collections.abc import Iterable, Mapping, Sequence
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


RANKS = ("failed", "paused", "stale", "slow", "quarantine")
"""What a symbol in trouble can be, the worst first. The live board has the same words in the same order."""


@dataclass(frozen=True, slots=True)
class InTrouble:
    """A symbol in trouble."""

    symbol: SymbolSummary
    condition: str  # one of RANKS


def condition(one: SymbolSummary, *, is_slow: bool, quarantined: int) -> str:
    """What to show of a symbol, in one word: as `condition` in static/scanner_app/live/text.js has it."""
    if not one.enabled:
        return "disabled"
    if one.state is not SymbolState.PROCESSING:
        return one.state
    if one.is_stale:
        return "stale"
    if is_slow:
        return "slow"
    return "quarantine" if quarantined else "processing"


def trouble(overview: Overview, quarantined: Mapping[int, int]) -> list[InTrouble]:
    """The symbols in trouble, the worst first; `quarantined`: their bars in quarantine, by symbol id."""
    slow = set(overview.slow)
    found = [
        InTrouble(one, word)
        for one in overview.symbols
        if (word := condition(one, is_slow=one.symbol in slow, quarantined=quarantined.get(one.id, 0))) in RANKS
    ]

    def how_bad(one: InTrouble) -> tuple[int, int, int, str]:
        symbol = one.symbol
        return RANKS.index(one.condition), -symbol.consecutive_failures, -symbol.backlog, symbol.symbol

    return sorted(found, key=how_bad)


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
    by_symbol = quarantine_entries.counted_by_symbol()
    troubled, quarantined = trouble(overview, by_symbol), sum(by_symbol.values())
    alerts = worst_first(fired)
    return {
        "overview": overview,
        "failed": [one.symbol for one in overview.symbols if one.state is SymbolState.FAILED],
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
