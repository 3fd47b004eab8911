"""Fault injection: set by `manage.py inject`, struck just before a run's detectors."""

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
    """A failure that somebody asked for."""


def inject(symbol: Symbol, **faults: object) -> None:
    """Set faults of a symbol; those not named stay as they are."""
    InjectedFault.objects.update_or_create(symbol=symbol, defaults=faults)


def inject_outage(symbol: Symbol, seconds: float, *, now: datetime) -> None:
    """Let every run of the symbol fail for so many seconds, control runs included."""
    inject(symbol, outage_until=now + timedelta(seconds=seconds))


def clear(symbol: Symbol) -> None:
    """Take all faults back."""
    InjectedFault.objects.filter(symbol=symbol).delete()


def strike(symbol_id: int, *, control: bool) -> None:
    """Do to the run at hand what was asked for, if anything was. Control runs heed an outage alone."""
    if not settings.SCANNER_FAULT_INJECTION:
        return
    fault = InjectedFault.objects.filter(symbol_id=symbol_id).first()
    if fault is None:
        return
    if fault.outage_until is not None and timezone.now() < fault.outage_until:
        raise InjectedError(f"injected outage until {fault.outage_until.isoformat()}")
    if not control:
        _strike_head(fault)


def _strike_head(fault: InjectedFault) -> None:
    # Each is taken by a guarded update, so that two runs at a time don't both have the last one.
    mine = InjectedFault.objects.filter(symbol_id=fault.symbol_id)
    if fault.crash_runs and mine.filter(crash_runs__gt=0).update(crash_runs=F("crash_runs") - 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.fail_runs and mine.filter(fail_runs__gt=0).update(fail_runs=F("fail_runs") - 1):
        raise InjectedError("injected failure")
    if fault.unusable and mine.filter(unusable=True).update(unusable=False):
        raise BarUnusable("injected: the bar is unusable")
    if fault.hang_s and mine.filter(hang_s__gt=0).update(hang_s=0):
        time.sleep(fault.hang_s)
