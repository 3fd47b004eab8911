"""Switch detectors off and on for all symbols, and which are off.

Each worker process reads that every two seconds, as it reads the rules: a bar costs no query for it. A bar that was
completed without a detector is on a re-run of that detector from the same transaction on (mailbox/run.py), so it does
not matter how soon a worker hears of a switch.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from scanner_app.domain.enums import DetectorAct, DetectorState
from scanner_app.models import DetectorEvent, DetectorSwitch

log = structlog.get_logger(__name__)

REFRESH_S = 2.0
"""From one reading of the switches to the next (s)."""

_off: frozenset[str] = frozenset()
_read_at = float("-inf")


def switched_off(clock: Callable[[], float] = time.monotonic) -> frozenset[str]:
    """The names of the detectors that did not run REFRESH_S ago at the latest. One that is probed runs at no bar."""
    global _off, _read_at  # noqa: PLW0603 - one for the process
    if clock() - _read_at >= REFRESH_S:
        _off = off_now()
        _read_at = clock()
    return _off


def forget() -> None:
    """Read the switches again for the next bar."""
    global _read_at  # noqa: PLW0603 - as above
    _read_at = float("-inf")


def off_now() -> frozenset[str]:
    """The same, as the database has it. One query."""
    return frozenset(DetectorSwitch.objects.exclude(state=DetectorState.ON).values_list("name", flat=True))


def know(names: Iterable[str], *, now: datetime) -> None:
    """Make rows of detectors that have none: of a detector that is on, and that nobody has switched."""
    fresh = [DetectorSwitch(name=name, state=DetectorState.ON, changed_at=now, by="") for name in names]
    DetectorSwitch.objects.bulk_create(fresh, ignore_conflicts=True)


def switch_off(
    name: str, *, by: str, now: datetime, reason: str = "", recovery: timedelta | None = None, returns: int = 0
) -> bool:
    """Run the detector at no bar. False: it was off.

    `recovery`: after which it is probed; None: it stays off until an operator switches it on. One that is off with
    probes and is switched off by an operator stays off.
    """
    with transaction.atomic():
        values: dict[str, Any] = {"changed_at": now, "by": by, "reason": reason, "returns": returns}
        values["probe_at"] = None if recovery is None else now + recovery
        row, made = DetectorSwitch.objects.get_or_create(name=name, defaults={"state": DetectorState.OFF, **values})
        if not made:
            changes = DetectorSwitch.objects.filter(pk=row.pk)
            # An operator's word ends the probes; an incident changes only what is on.
            if recovery is None:
                changes = changes.exclude(state=DetectorState.OFF, probe_at=None)
            else:
                changes = changes.filter(state=DetectorState.ON)
            if changes.update(state=DetectorState.OFF, **values) != 1:
                return False
        _record(name, DetectorAct.OFF, by, reason, now)
    forget()
    return True


def switch_on(name: str, *, by: str, now: datetime, reason: str = "", probed: bool = False) -> bool:
    """Run the detector again, and have re-runs make up for the bars without it. False: it was on.

    `probed`: only if a probe of it is still what it waits for.
    """
    with transaction.atomic():
        changes = DetectorSwitch.objects.filter(name=name).exclude(state=DetectorState.ON)
        if probed:
            changes = changes.filter(state=DetectorState.PROBING)
        if changes.update(state=DetectorState.ON, changed_at=now, by=by, reason=reason, probe_at=None) != 1:
            return False
        _record(name, DetectorAct.ON, by, reason, now)
    forget()
    return True


def begin_probe(switch: DetectorSwitch, *, until: datetime) -> bool:
    """Have the detector probed until then. False: somebody else was first."""
    due = DetectorSwitch.objects.filter(pk=switch.pk, state=switch.state, probe_at=switch.probe_at)
    return due.update(state=DetectorState.PROBING, probe_at=until) == 1


def probe_failed(name: str, *, by: str, now: datetime, reason: str, recovery: timedelta) -> bool:
    """Off again, until the next probe. False: an operator was first."""
    with transaction.atomic():
        row = DetectorSwitch.objects.filter(name=name, state=DetectorState.PROBING)
        returns = row.values_list("returns", flat=True).first()
        if returns is None:
            return False
        changed = row.filter(returns=returns).update(
            state=DetectorState.OFF, returns=returns + 1, probe_at=now + recovery
        )
        if changed != 1:
            return False
        _record(name, DetectorAct.RETURNED, by, reason, now)
    return True


def _record(name: str, kind: DetectorAct, actor: str, reason: str, now: datetime) -> None:
    DetectorEvent.objects.create(detector=name, kind=kind, at=now, actor=actor, reason=reason)
    transaction.on_commit(
        lambda: log.warning("detector_switched", detector=name, what=kind, by=actor, reason=reason), robust=True
    )
