"""The window that the detectors see: the newest processed bars of a series, the head last.

NumPy is imported with the first window, as in detectors/interface.py.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from scanner_app.detectors import Window
from scanner_app.engine.detection import bars_needed
from scanner_app.mailbox import sql
from scanner_app.mailbox.tickets import Ticket


def load_window(ticket: Ticket, *, at_least: int = 1) -> Window:
    """The processed bars of the ticket's series up to its time, as many as the detectors need, the ticket's bar last.

    `at_least`: as many as the rules need. Fewer at a series' start. Quarantined, discarded and other waiting bars are
    never in a window. An unknown volume is NaN.
    """
    older = sql.bars_before(ticket, max(bars_needed(), at_least) - 1)
    return window_of(ticket.message.ticker, ticket.timeframe, [*reversed(older), row_of(ticket)])


def row_of(ticket: Ticket) -> tuple[Any, ...]:
    """The ticket's own bar, as `window_of` takes it."""
    return (iso(ticket.timestamp), ticket.open, ticket.high, ticket.low, ticket.close, ticket.volume)


def window_of(ticker: str, timeframe: str, rows: Sequence[Sequence[Any]]) -> Window:
    """The window of these bars, oldest first: each with time (as `iso` writes it), prices and volume."""
    import numpy as np  # noqa: PLC0415 - see above

    times, opens, highs, lows, closes, volumes = zip(*rows, strict=True)
    return Window.of(
        symbol=ticker,
        timeframe=timeframe,
        timestamps=np.array(times, dtype="datetime64[us]"),
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=volumes,  # an unknown one is None, of which NumPy makes NaN
    )


def moment(text: str) -> datetime:
    """The aware time (UTC) of such a text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def iso(time: datetime) -> str:
    """An aware time as ISO 8601 in UTC without a zone, which is what NumPy reads."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
