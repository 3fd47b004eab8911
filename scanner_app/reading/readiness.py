"""Whether what the scanner needs is there: database, broker, workers."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from scanner_app.domain.alert_rules import worker_clock
from scanner_app.domain.worker_roles import NEEDED_ROLES, Role
from scanner_app.messaging import heartbeats, redis_client, sweep_memory
from scanner_app.models import Symbol
from scanner_app.reading import clocks

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What was found of database, broker and workers."""

    checks: dict[str, str]  # by name, why it is not ready; empty text: it is
    warnings: list[str]  # what is wrong, but would not be helped by turning requests away

    @property
    def not_ready(self) -> list[str]:
        """The names of those that are not ready."""
        return [name for name, reason in self.checks.items() if reason]


class NotReadyError(Exception):
    """Something that is needed is not there; the message says why."""


def check() -> Readiness:
    """Ask database, broker and workers."""
    checks = {"database": _reason(database_ready), "broker": _reason(broker_ready)}
    # Workers report through the broker: without it there is nothing to ask, and a second timeout to wait for.
    checks["workers"] = "unknown, since the broker is not ready" if checks["broker"] else _reason(workers_ready)
    return Readiness(checks=checks, warnings=[] if any(checks.values()) else _wrong_clocks())


def database_ready() -> None:
    """Raises what the database raises: away, or without our tables."""
    Symbol.objects.order_by().values_list("pk").first()


def broker_ready() -> None:
    """Raises what the broker's client raises."""
    redis_client.client().ping()


def workers_ready() -> None:
    """Raises NotReadyError unless a worker of each needed role is alive, none is deaf, and the sweeper runs."""
    living = heartbeats.read_all()
    if missing := missing_roles(one.role for one in living.values()):
        raise NotReadyError(f"no living worker of role {', '.join(missing)}")
    if deaf := sorted(name for name, one in living.items() if one.is_deaf):
        raise NotReadyError(f"alive but deaf: {', '.join(deaf)}")
    swept = sweep_memory.last_sweep()
    if swept is None:
        raise NotReadyError(f"the sweeper has not run for {sweep_memory.memory_s()} s")
    if (ago_s := time.time() - swept) > sweep_memory.sweep_patience_s():
        raise NotReadyError(f"the sweeper has not run for {ago_s:.0f} s")


def missing_roles(living: Iterable[str]) -> list[Role]:
    """The needed roles that none of the living workers has."""
    there = set(living)
    return [role for role in NEEDED_ROLES if role not in there]


def _wrong_clocks() -> list[str]:
    try:
        ahead_s = clocks.workers_ahead_s(heartbeats.read_all())
    except Exception as exc:  # noqa: BLE001 - broker or database went away in between: the next answer says so
        log.warning("clocks_not_compared", error=str(exc))
        return []
    return [
        worker_clock.sentence(name, ahead)
        for name, ahead in sorted(ahead_s.items())
        if abs(ahead) > worker_clock.MAX_OFF_S
    ]


def _reason(needed: Callable[[], None]) -> str:
    """Why something is not ready; empty: it is."""
    try:
        needed()
    except NotReadyError as exc:
        return str(exc)
    except Exception as exc:  # noqa: BLE001 - whatever is wrong with it, it is not ready, and that is the answer
        log.warning("not_ready", check=needed.__name__, error=str(exc))
        return f"{type(exc).__name__}: {exc}".splitlines()[0][:200]
    return ""
