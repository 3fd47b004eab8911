"""Fault injection: `manage.py inject` stores the faults, a run applies them just before its detectors."""

import os
import signal
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from scanner_app.detectors import BarUnusable
from scanner_app.models import InjectedFault, Symbol


class InjectedError(Exception):
    """A failure caused on purpose by fault injection."""


def inject(symbol: Symbol, **faults: object) -> None:
    """Store faults for a symbol. Faults that are not named keep their values."""
    InjectedFault.objects.update_or_create(symbol=symbol, defaults=faults)


def inject_outage(symbol: Symbol, seconds: float, *, now: datetime) -> None:
    """Make every run of the symbol fail for `seconds` from `now` on, control runs included."""
    inject(symbol, outage_until=now + timedelta(seconds=seconds))


def clear(symbol: Symbol) -> None:
    """Remove all faults of a symbol."""
    InjectedFault.objects.filter(symbol=symbol).delete()


def apply_faults(symbol_id: int, *, control: bool) -> None:
    """Apply the symbol's faults to the current run; nothing if there are none. A control run meets only an outage.

    May raise InjectedError or BarUnusable, sleep, or kill the process.
    """
    if not settings.SCANNER_FAULT_INJECTION:
        return
    fault = InjectedFault.objects.filter(symbol_id=symbol_id).first()
    if fault is None:
        return
    if fault.outage_until is not None and timezone.now() < fault.outage_until:
        raise InjectedError(f"injected outage until {fault.outage_until.isoformat()}")
    if not control:
        _apply_to_head(fault)


def _apply_to_head(fault: InjectedFault) -> None:
    # Each fault is counted down by a guarded update, so that two simultaneous runs don't both use the last one.
    stored = InjectedFault.objects.filter(symbol_id=fault.symbol_id)
    if fault.crash_runs and stored.filter(crash_runs__gt=0).update(crash_runs=F("crash_runs") - 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.fail_runs and stored.filter(fail_runs__gt=0).update(fail_runs=F("fail_runs") - 1):
        raise InjectedError("injected failure")
    if fault.unusable and stored.filter(unusable=True).update(unusable=False):
        raise BarUnusable("injected: the bar is unusable")
    if fault.hang_s and stored.filter(hang_s__gt=0).update(hang_s=0):
        time.sleep(fault.hang_s)
