"""Run the detectors on one bar: window in, findings out. Depends on neither Celery nor HTTP."""

from collections.abc import Collection, Sequence
from functools import lru_cache

from billiard.common import terminate_handler_fired  # type: ignore[attr-defined] # the stubs are of an older one
from django.conf import settings

from scanner_app import detectors
from scanner_app.detectors import Detector, Finding, Window
from scanner_app.domain.errors import DetectorFailed
from scanner_app.domain.tickers import CANARY
from scanner_app.engine import canary, fault_injection
from scanner_app.mailbox import Ticket
from scanner_app.workers.outages import OUTAGES


@lru_cache(maxsize=1)
def chosen_detectors(paths: tuple[str, ...]) -> tuple[Detector, ...]:
    """The detectors of SCANNER_DETECTORS, created once per process. Raises DetectorError for a bad path."""
    return detectors.load(paths)


def detect(ticket: Ticket, window: Window, *, without: Collection[str] = ()) -> list[Finding]:
    """What the chosen detectors find in the ticket's bar; an empty list if they find nothing.

    `without`: names of those that are left out. Raises what `run` raises. The canary has a detector of its own, so a
    drill says nothing about the chosen ones.
    """
    if ticket.message.ticker == CANARY:
        return canary.detect(ticket)
    fault_injection.apply_faults(ticket.message.symbol_id, control=ticket.message.control)
    return run([one for one in chosen() if one.name not in without] if without else chosen(), window)


def run(chosen: Sequence[Detector], window: Window) -> list[Finding]:
    """Run these detectors. Whatever leaves one is an Exception.

    Raises BarUnusable if a detector can't use the bar. A detector's own database or connection error is wrapped
    in DetectorFailed, so that it is not mistaken for an outage of our database or broker; and so is what would end the
    process or pass by our handlers (SystemExit, KeyboardInterrupt, CancelledError, GeneratorExit). Any other exception
    of a detector passes through.
    """
    try:
        return detectors.run(chosen, window)
    except OUTAGES as exc:
        raise DetectorFailed(type(exc).__name__) from exc
    except BaseException as exc:
        if isinstance(exc, Exception) or terminate_handler_fired():  # the latter: Celery ends this process
            raise
        raise DetectorFailed(type(exc).__name__) from exc


def chosen() -> tuple[Detector, ...]:
    """The detectors of SCANNER_DETECTORS. Raises DetectorError for a bad path."""
    return chosen_detectors(tuple(settings.SCANNER_DETECTORS))


def missing(off: Collection[str]) -> list[str]:
    """Names of the chosen detectors that are among those which are off."""
    return [one.name for one in chosen() if one.name in off]


def bars_needed() -> int:
    """How many bars the longest window of a chosen detector has; 1 without detectors."""
    return max((detector.bars_needed for detector in chosen()), default=1)
