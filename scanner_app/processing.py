"""One bar: window -> detectors -> findings. Knows nothing of Celery or HTTP."""

from functools import lru_cache

import numpy as np
from django.conf import settings
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from scanner_app import detectors
from scanner_app.detectors import Detector, Finding, Window
from scanner_app.errors import DetectorFailed
from scanner_app.mailbox import Ticket
from scanner_app.models import Bar, BarStatus

OUTAGES: tuple[type[Exception], ...] = (OperationalError, InterfaceError, BrokerError, ConnectionError)
"""What our own database or broker raise when they are away: no bar's fault, outside a detector."""

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


@lru_cache(maxsize=1)
def chosen_detectors(paths: tuple[str, ...]) -> tuple[Detector, ...]:
    """The detectors of the setting, made once in a process. Raises DetectorError for a bad path."""
    return detectors.load(paths)


def find(ticket: Ticket) -> list[Finding]:
    """What the chosen detectors see in the ticket's bar.

    Raises BarUnusable if one of them can't use the bar, DetectorFailed around what would otherwise look
    like an outage of our own database or broker, and whatever else a detector raises.
    """
    chosen = chosen_detectors(tuple(settings.SCANNER_DETECTORS))
    window = load_window(ticket, max((detector.bars_needed for detector in chosen), default=1))
    try:
        return detectors.run(chosen, window)
    except OUTAGES as exc:
        raise DetectorFailed(str(exc)) from exc


def load_window(ticket: Ticket, bars: int) -> Window:
    """The last `bars` processed bars of the ticket's series up to its time, itself the newest.

    Fewer at a series' start. Quarantined, discarded and waiting bars are in no window, whatever their time.
    """
    before = (
        Bar.objects.filter(
            symbol_id=ticket.message.symbol_id,
            timeframe=ticket.timeframe,
            timestamp__lt=ticket.timestamp,
            status=BarStatus.PROCESSED,
        )
        .order_by("-timestamp")
        .values_list(*COLUMNS)[: bars - 1]
    )
    rows = [*reversed(before), tuple(getattr(ticket, column) for column in COLUMNS)]
    times, *numbers = zip(*rows, strict=True)
    return Window.of(
        symbol=ticket.message.ticker,
        timeframe=ticket.timeframe,
        timestamps=times,
        **dict(zip(COLUMNS[1:], (np.array(column, dtype=np.float64) for column in numbers), strict=True)),
    )
