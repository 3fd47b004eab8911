"""Whether the scanner could work just now: database and broker take a write, and workers are there. For /readyz."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from django.utils import timezone

from scanner_app.domain import wording
from scanner_app.domain.alert_rules import worker_clock
from scanner_app.domain.worker_roles import NEEDED_ROLES, Role
from scanner_app.messaging import heartbeats, sweep_memory
from scanner_app.models import Symbol
from scanner_app.reading import clocks, drills, feeds, unexpected, write_checks

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The result of the checks of database, broker and workers."""

    checks: dict[str, str]  # by name, why it is not ready; empty text: it is ready
    warnings: list[str]  # problems for which no request should be turned away
    alarm_path: str = ""  # what the last drill has shown, in a sentence; empty: not known

    @property
    def not_ready(self) -> list[str]:
        """The names of the failed checks."""
        return [name for name, reason in self.checks.items() if reason]


class NotReadyError(Exception):
    """Something that the scanner needs is missing; the message says what."""


def check() -> Readiness:
    """Check database, broker and workers."""
    checks = {"database": _reason(database_ready), "broker": _reason(broker_ready)}
    # Workers report through the broker: without it the check would only wait for a second timeout.
    checks["workers"] = "unknown, since the broker is not ready" if checks["broker"] else _reason(workers_ready)
    if any(checks.values()):
        return Readiness(checks=checks, warnings=[])
    said, failed = _alarm_path()
    warnings = [*_wrong_clocks(), *_feeds_in_trouble(), *_unexpected_errors(), *failed]
    return Readiness(checks=checks, warnings=warnings, alarm_path=said)


def database_ready() -> None:
    """Raises what the database raises if it does not answer, or has no tables yet; NotReadyError: it takes no write."""
    Symbol.objects.order_by().values_list("pk").first()
    _raise_if(write_checks.database_problem())


def broker_ready() -> None:
    """Raises NotReadyError if the broker does not answer, or takes no write."""
    _raise_if(write_checks.broker_problem())


def _raise_if(problem: str) -> None:
    if problem:
        raise NotReadyError(problem)


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
        raise NotReadyError(f"the sweeper has not run for {wording.span(ago_s)}")


def missing_roles(living: Iterable[str]) -> list[Role]:
    """The needed roles that none of the `living` roles covers."""
    present = set(living)
    return [role for role in NEEDED_ROLES if role not in present]


def _wrong_clocks() -> list[str]:
    try:
        ahead_s = clocks.workers_ahead_s(heartbeats.read_all())
    except Exception as exc:  # noqa: BLE001 - broker or database failed since the checks: the next answer says so
        log.warning("clocks_not_compared", error=str(exc))
        return []
    return [
        worker_clock.sentence(name, ahead)
        for name, ahead in sorted(ahead_s.items())
        if abs(ahead) > worker_clock.MAX_OFF_S
    ]


def _feeds_in_trouble() -> list[str]:
    try:
        return feeds.warnings(timezone.now())
    except Exception as exc:  # noqa: BLE001 - likewise
        log.warning("feeds_not_read", error=str(exc))
        return []


def _unexpected_errors() -> list[str]:
    try:
        return unexpected.warnings(timezone.now())
    except Exception as exc:  # noqa: BLE001 - likewise
        log.warning("unexpected_errors_not_read", error=str(exc))
        return []


def _alarm_path() -> tuple[str, list[str]]:
    """What the last drill has shown; and the same once more, as a warning, if it has failed."""
    try:
        path = drills.alarm_path(timezone.now())
    except Exception as exc:  # noqa: BLE001 - likewise
        log.warning("drills_not_read", error=str(exc))
        return "", []
    return path.said, [] if path.failed_at is None else [path.said]


def _reason(needed: Callable[[], None]) -> str:
    """Why the check failed; empty: it passed."""
    try:
        needed()
    except NotReadyError as exc:
        return str(exc)
    except Exception as exc:  # noqa: BLE001 - whatever is wrong, the answer is "not ready"
        log.warning("not_ready", check=needed.__name__, error=str(exc))
        return f"{type(exc).__name__}: {exc}".splitlines()[0][:200]
    return ""
