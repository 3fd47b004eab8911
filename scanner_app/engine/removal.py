"""Delete symbols, for API, admin and command alike, and remove their rows in small batches."""

import time
from collections.abc import Callable
from datetime import datetime

from scanner_app import mailbox
from scanner_app.domain.tickers import CANARY
from scanner_app.messaging import publisher
from scanner_app.models import Symbol

BUDGET_S = 0.5
"""Longest time (s) that one task removes rows: the sweeper runs every two seconds on the same worker."""


def delete(symbol: Symbol, *, by: str, now: datetime, force: bool = False, reason: str = "") -> None:
    """Hide the symbol at once; the upkeep worker removes its rows later.

    Raises BarsWaiting and changes nothing while the symbol has waiting bars, unless `force`.
    """
    mailbox.delete(symbol, by=by, now=now, force=force, reason=reason)
    publisher.publish_removal_after_commit(symbol.pk)


def remove_some_rows(symbol_id: int | None = None, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Remove rows of a deleted symbol for BUDGET_S; without `symbol_id`, of the one that was deleted first.

    Returns the number of batches, 0 if no symbol is deleted. Beat triggers it every two seconds, so a lost message
    does no harm and the work never queues up.
    """
    if symbol_id is None:
        hidden = Symbol.objects.filter(deleted_at__isnull=False).exclude(ticker=CANARY).order_by("deleted_at").first()
        if hidden is None:
            return 0
        symbol_id = hidden.pk
    end, batches = clock() + BUDGET_S, 1
    while mailbox.remove_rows(symbol_id) and clock() < end:
        batches += 1
    return batches
