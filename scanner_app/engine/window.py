"""The window that the detectors see: the newest processed bars of a series, the head last."""

import math
from collections.abc import Sequence
from typing import Any

from scanner_app.detectors import Window
from scanner_app.engine.detection import bars_needed
from scanner_app.mailbox import sql
from scanner_app.mailbox.tickets import Ticket


def load_window(ticket: Ticket) -> Window:
    """The processed bars of the ticket's series up to its time, as many as the detectors need, the ticket's bar last.

    Fewer at a series' start. Quarantined, discarded and other waiting bars are never in a window. An unknown volume
    is NaN.
    """
    older = sql.bars_before(ticket, bars_needed() - 1)
    newest = (ticket.timestamp, ticket.open, ticket.high, ticket.low, ticket.close, ticket.volume)
    return window_of(ticket.message.ticker, ticket.timeframe, [*reversed(older), newest])


def window_of(ticker: str, timeframe: str, rows: Sequence[Sequence[Any]]) -> Window:
    """The window of these bars, oldest first: each with time, prices and volume."""
    times, opens, highs, lows, closes, volumes = zip(*rows, strict=True)
    return Window.of(
        symbol=ticker,
        timeframe=timeframe,
        timestamps=times,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=[math.nan if volume is None else volume for volume in volumes],
    )
