"""Delete symbols: what API, admin and command have in common, and what makes up for a lost message."""

from datetime import datetime, timedelta

from scanner_app import mailbox
from scanner_app.mailbox import publishing
from scanner_app.models import Symbol

PATIENCE = timedelta(minutes=1)
"""After its deletion a symbol whose rows are still there may have lost its message: it gets another. The task
goes on by itself and removes some thousand rows a second, so few symbols ever need that."""


def delete(symbol: Symbol, *, by: str, now: datetime, force: bool = False, reason: str = "") -> None:
    """Hide the symbol at once and have its rows removed by the upkeep worker.

    Raises BarsWaiting, with nothing changed, while bars wait, unless `force`.
    """
    mailbox.delete(symbol, by=by, now=now, force=force, reason=reason)
    publishing.publish_removal_after_commit(symbol.pk)


def resume(now: datetime) -> int:
    """Ask again for the removal of symbols that have been hidden for PATIENCE; returns how many were asked for.

    Harmless where the first message is still at work: the two share the batches.
    """
    hidden = Symbol.objects.filter(deleted_at__lt=now - PATIENCE).order_by("deleted_at")
    return sum(publishing.publish_removal(symbol_id) for symbol_id in hidden.values_list("pk", flat=True))
