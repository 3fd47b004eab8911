"""What is done every two seconds about detectors that fail on many symbols, and for the symbols that they stop."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from scanner_app import mailbox
from scanner_app.domain.enums import DetectorState
from scanner_app.domain.wording import with_reason
from scanner_app.engine import incidents
from scanner_app.engine.detector_switches import REFRESH_S
from scanner_app.models import DetectorSwitch

BUDGET_S = 1.0
"""Longest time (s) that one run clears symbols: the sweeper runs every two seconds on the same worker."""

HEARD_AFTER = timedelta(seconds=REFRESH_S + 0.5)
"""By then every worker knows that a detector is off: a symbol cleared before would fail once more."""


def run(clock: Callable[[], datetime], *, timer: Callable[[], float] = time.monotonic) -> dict[str, int]:
    """Judge incidents, then clear symbols for BUDGET_S; returns what was done. Safe to run twice."""
    end = timer() + BUDGET_S
    done = incidents.judge(clock())
    return {**done, "cleared": _clear(clock, lambda: timer() >= end)}


def _clear(clock: Callable[[], datetime], is_over: Callable[[], bool]) -> int:
    """Let symbols go on that are stopped because of detectors which are off; each in a transaction of its own."""
    off = DetectorSwitch.objects.exclude(state=DetectorState.ON).filter(changed_at__lte=clock() - HEARD_AFTER)
    switches = {row.name: row for row in off}
    if not switches:
        return 0
    cleared = 0
    for stopped in mailbox.stopped_by(switches.keys()):
        switch = switches[stopped.detector]
        reason = with_reason(f"detector {switch.name} is off", switch.reason)
        cleared += mailbox.clear(stopped, by=switch.by, now=clock(), reason=reason)
        if is_over():
            break
    return cleared
