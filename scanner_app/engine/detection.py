"""Run the detectors on one bar: window in, findings out. Depends on neither Celery nor HTTP."""

from functools import lru_cache

from django.conf import settings

from scanner_app import detectors
from scanner_app.detectors import Detector, Finding, Window
from scanner_app.domain.errors import DetectorFailed
from scanner_app.engine import fault_injection
from scanner_app.mailbox import Ticket
from scanner_app.workers.outages import OUTAGES


@lru_cache(maxsize=1)
def chosen_detectors(paths: tuple[str, ...]) -> tuple[Detector, ...]:
    """The detectors of SCANNER_DETECTORS, created once per process. Raises DetectorError for a bad path."""
    return detectors.load(paths)


def detect(ticket: Ticket, window: Window) -> list[Finding]:
    """What the chosen detectors find in the ticket's bar; an empty list if they find nothing.

    Raises BarUnusable if a detector can't use the bar. A detector's own database or connection error is wrapped
    in DetectorFailed, so that it is not mistaken for an outage of our database or broker. Any other exception
    of a detector passes through.
    """
    fault_injection.apply_faults(ticket.message.symbol_id, control=ticket.message.control)
    try:
        return detectors.run(chosen(), window)
    except OUTAGES as exc:
        raise DetectorFailed(str(exc)) from exc


def chosen() -> tuple[Detector, ...]:
    """The detectors of SCANNER_DETECTORS. Raises DetectorError for a bad path."""
    return chosen_detectors(tuple(settings.SCANNER_DETECTORS))


def bars_needed() -> int:
    """How many bars the longest window of a chosen detector has; 1 without detectors."""
    return max((detector.bars_needed for detector in chosen()), default=1)
