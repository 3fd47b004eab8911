"""One bar: window -> detectors -> findings. Knows nothing of Celery or HTTP."""

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
    """The detectors of the setting, made once in a process. Raises DetectorError for a bad path."""
    return detectors.load(paths)


def detect(ticket: Ticket, window: Window) -> list[Finding]:
    """What the chosen detectors see in the ticket's bar.

    Raises BarUnusable if one of them can't use the bar, DetectorFailed around what would otherwise look
    like an outage of our own database or broker, and whatever else a detector raises.
    """
    fault_injection.strike(ticket.message.symbol_id, control=ticket.message.control)
    try:
        return detectors.run(_chosen(), window)
    except OUTAGES as exc:
        raise DetectorFailed(str(exc)) from exc


def _chosen() -> tuple[Detector, ...]:
    return chosen_detectors(tuple(settings.SCANNER_DETECTORS))


def bars_needed() -> int:
    """Bars of the longest window that a chosen detector asks for; 1 without detectors."""
    return max((detector.bars_needed for detector in _chosen()), default=1)
