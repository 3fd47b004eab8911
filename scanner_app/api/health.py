"""Whether the process lives, and whether what it needs is there. Neither asks who wants to know."""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.domain.alert_rules import worker_clock
from scanner_app.messaging import broker
from scanner_app.models import Symbol
from scanner_app.reading import clocks

log = structlog.get_logger(__name__)

ROLES: Final = ("main", "slow", "upkeep")
"""Workers without which bars would lie: one of each has to be alive."""


class NotReadyError(Exception):
    """Something that is needed is not there; the message says why."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """200 while the process answers at all."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """200 if database, broker and workers are ready, else 503 with those that are not, and why."""
    checks = {"database": _check(database_ready), "broker": _check(broker_ready)}
    # Workers speak through the broker: without it there is nothing to ask, and a second timeout to wait for.
    checks["workers"] = (
        _check(workers_ready) if checks["broker"]["ready"] else _verdict("unknown, since the broker is not ready")
    )
    not_ready = [name for name, check in checks.items() if not check["ready"]]
    response = JsonResponse(
        {
            "status": "not ready" if not_ready else "ready",
            "not_ready": not_ready,
            "checks": checks,
            # What would not help anybody by turning requests away.
            "warnings": [] if not_ready else _clocks_that_are_off(),
        },
        status=503 if not_ready else 200,
    )
    # Django logs each 5xx as an error. This one is an answer, asked for four times a second while all starts; what
    # broke is logged by _check.
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001
    return response


def database_ready() -> None:
    """Raises what the database raises: away, or without our tables."""
    Symbol.objects.order_by().values_list("pk").first()


def broker_ready() -> None:
    """Raises what the broker's client raises."""
    broker.client().ping()


def workers_ready() -> None:
    """Raises NotReadyError unless a worker of each role is alive, none is deaf, and the sweeper runs."""
    tells = broker.tells()
    if missing := missing_roles(tells):
        raise NotReadyError(f"no living worker of role {', '.join(missing)}")
    if deaf := sorted(name for name, told in tells.items() if broker.is_deaf(told)):
        raise NotReadyError(f"alive but deaf: {', '.join(deaf)}")
    swept = broker.last_sweep()
    if swept is None:
        raise NotReadyError(f"the sweeper has not run for {broker.memory_s()} s")
    if (ago_s := time.time() - swept) > broker.sweep_patience_s():
        raise NotReadyError(f"the sweeper has not run for {ago_s:.0f} s")


def _clocks_that_are_off() -> list[str]:
    try:
        off_s = clocks.off_s(broker.tells())
    except Exception as exc:  # noqa: BLE001 - broker or database went away in between: the next answer says so
        log.warning("clocks_not_compared", error=str(exc))
        return []
    return [worker_clock.says(name, off) for name, off in sorted(off_s.items()) if abs(off) > worker_clock.MAX_OFF_S]


def missing_roles(tells: dict[str, dict[str, Any]]) -> list[str]:
    """The roles that none of the living workers has."""
    there = {told.get("lane") for told in tells.values()}
    return [role for role in ROLES if role not in there]


def _check(needed: Callable[[], None]) -> dict[str, Any]:
    try:
        needed()
    except NotReadyError as exc:
        return _verdict(str(exc))
    except Exception as exc:  # noqa: BLE001 - whatever is wrong with it, it is not ready, and that is the answer
        log.warning("not_ready", check=needed.__name__, error=str(exc))
        return _verdict(f"{type(exc).__name__}: {exc}".splitlines()[0][:200])
    return _verdict("")


def _verdict(reason: str) -> dict[str, Any]:
    return {"ready": not reason, "reason": reason}
