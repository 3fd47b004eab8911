"""One bar: window -> detectors -> findings. Knows nothing of Celery or HTTP."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import InterfaceError, NotSupportedError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from scanner_app import detectors
from scanner_app.detectors import Detector, Finding, Window
from scanner_app.domain.errors import DetectorFailed
from scanner_app.engine import fault_injection
from scanner_app.mailbox import Ticket
from scanner_app.mailbox.statements import all_rows, to_database, utc

OUTAGES: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    NotSupportedError,
    BrokerError,
    ConnectionError,
)
"""What our own database or broker raise when they are away: no bar's fault, outside a detector.

NotSupportedError is a statement that was prepared before a migration: a fresh connection has none.
"""

# By hand, since every bar costs it: a third of what the ORM took.
_BEFORE = """
    SELECT timestamp, open, high, low, close, volume FROM scanner_app_bar
     WHERE symbol_id = %s AND timeframe = %s AND timestamp < %s AND status = 'processed'
     ORDER BY timestamp DESC LIMIT %s
"""


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


def load_window(ticket: Ticket) -> Window:
    """As many processed bars of the ticket's series as the detectors need, up to its time, itself the newest.

    Fewer at a series' start. Quarantined, discarded and waiting bars are in no window, whatever their time.
    """
    before: list[Any] = []
    if (older := bars_needed() - 1) > 0:
        key = [ticket.message.symbol_id, ticket.timeframe, to_database(ticket.timestamp), older]
        before = all_rows(_BEFORE, key)
    newest = (ticket.timestamp, ticket.open, ticket.high, ticket.low, ticket.close, ticket.volume)
    rows = [*((utc(time), *values) for time, *values in reversed(before)), newest]
    times, *numbers = zip(*rows, strict=True)
    return Window.of(
        symbol=ticket.message.ticker,
        timeframe=ticket.timeframe,
        timestamps=times,
        **dict(zip(("open", "high", "low", "close", "volume"), numbers, strict=True)),
    )
