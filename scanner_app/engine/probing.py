"""Try a detector that was switched off by an incident: at the bars of up to five symbols where it had failed.

No bar waits for a probe, and none is changed by it. If all succeed, the detector is on again; else it stays off, for
twice as long.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings

from scanner_app import mailbox
from scanner_app.conf import breaker_rules
from scanner_app.detectors import Detector
from scanner_app.domain import incidents
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import DetectorState
from scanner_app.domain.wording import listed
from scanner_app.engine import detection, detector_switches
from scanner_app.engine.window import load_window
from scanner_app.mailbox.tickets import ticket_of
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, DetectorSwitch, ProcessingFailure

log = structlog.get_logger(__name__)

SYMBOLS = 5
"""Symbols of one probe."""

LOOKED_AT = 1_000
"""Of a detector's failures, the newest, among which these symbols are looked for."""


def run(clock: Callable[[], datetime], *, timer: Callable[[], float] = time.monotonic) -> int:
    """Probe a detector that is due; returns how many were done with. A run that is killed counts as a failed probe.

    One a run: the time limit is that of the task, so a slow detector would have another one's probe fail.
    """
    chosen = {one.name: one for one in detection.chosen()}
    due = DetectorSwitch.objects.exclude(state=DetectorState.ON).filter(probe_at__lte=clock(), name__in=chosen)
    done = 0
    for switch in due.order_by("probe_at"):
        done += 1
        if switch.state == DetectorState.PROBING:  # its worker did not come back
            _return(switch, "its probe killed the process, or was killed at the hard time limit", clock())
        elif detector_switches.begin_probe(
            switch, until=clock() + timedelta(seconds=2 * settings.SCANNER_HARD_LIMIT_S)
        ):
            _probe(chosen[switch.name], switch, clock, timer)
            break
    return done


def _probe(
    detector: Detector, switch: DetectorSwitch, clock: Callable[[], datetime], timer: Callable[[], float]
) -> None:
    end = timer() + settings.SCANNER_SOFT_LIMIT_S / 2
    tried = []
    for bar in _bars(detector.name):
        ticker = bar.symbol.ticker
        message = Message(symbol_id=bar.symbol_id, ticker=ticker, sequence=bar.sequence, epoch=0, retries=0)
        try:
            detection.run([detector], load_window(ticket_of(message, bar)))
        except Exception as exc:  # noqa: BLE001 - any exception means that it is still broken
            _return(switch, f"a probe at {ticker} failed: {mailbox.describe(exc).line}", clock())
            return
        tried.append(ticker)
        if timer() >= end:  # no time for another one that may take as long
            break
    reason = f"it was probed at {listed(tried)}, and succeeded" if tried else "its failures are forgotten"
    detector_switches.switch_on(detector.name, by=SCANNER, now=clock(), reason=reason, probed=True)


def _return(switch: DetectorSwitch, reason: str, now: datetime) -> None:
    recovery = incidents.recovery_of(breaker_rules().recovery, switch.returns + 1)
    detector_switches.probe_failed(switch.name, by=SCANNER, now=now, reason=reason, recovery=recovery)


def _bars(detector: str) -> list[Bar]:
    """The last bars of up to SYMBOLS symbols at which it failed, the newest failure first."""
    failures = ProcessingFailure.objects.filter(detector=detector, symbol__deleted_at=None).order_by("-id")
    newest: dict[int, int] = {}
    for symbol_id, bar_id in failures.values_list("symbol_id", "bar_id")[:LOOKED_AT]:
        newest.setdefault(symbol_id, bar_id)
        if len(newest) == SYMBOLS:
            break
    bars = Bar.objects.select_related("symbol").in_bulk(newest.values())
    return [bars[bar_id] for bar_id in newest.values() if bar_id in bars]
