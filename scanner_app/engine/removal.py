"""Delete symbols: what API, admin and command have in common, and the removal of their rows in small pieces."""

import time
from collections.abc import Callable
from datetime import datetime

from scanner_app import mailbox
from scanner_app.messaging import publisher
from scanner_app.models import Symbol

BUDGET_S = 0.5
"""Longest that one task removes rows: the sweeper, which looks every two seconds, uses the same worker."""


def delete(symbol: Symbol, *, by: str, now: datetime, force: bool = False, reason: str = "") -> None:
    """Hide the symbol at once and have its rows removed by the upkeep worker.

    Raises BarsWaiting, with nothing changed, while bars wait, unless `force`.
    """
    mailbox.delete(symbol, by=by, now=now, force=force, reason=reason)
    publisher.publish_removal_after_commit(symbol.pk)


def work(symbol_id: int | None = None, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Remove rows of a deleted symbol, or of that deleted first, for BUDGET_S; returns the number of batches.

    Beat asks for it every two seconds, so nothing is lost with a message, and nothing queues up.
    """
    if symbol_id is None:
        hidden = Symbol.objects.filter(deleted_at__isnull=False).order_by("deleted_at").first()
        if hidden is None:
            return 0
        symbol_id = hidden.pk
    end, batches = clock() + BUDGET_S, 1
    while mailbox.remove_rows(symbol_id) and clock() < end:
        batches += 1
    return batches
