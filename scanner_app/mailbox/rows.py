"""Guards and reads of a symbol's status row, shared by the transitions. A guard is a query for a guarded update."""

from django.db.models import Q, QuerySet

from scanner_app.domain.enums import Stage
from scanner_app.domain.tickers import CANARY
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, SymbolStatus

RUNNABLE = Q(symbol__enabled=True) & (Q(symbol__deleted_at=None) | Q(symbol__ticker=CANARY))
"""Rows of symbols whose bars may run. The canary is hidden as a deleted symbol is, but runs (canary.py)."""


def read_row(symbol_id: int) -> SymbolStatus:
    """The row with its symbol and breaker. Call it after the guarded update, which holds the row's lock."""
    return SymbolStatus.objects.select_related("symbol__breaker").get(symbol_id=symbol_id)


def same_attempt(message: Message) -> QuerySet[SymbolStatus]:
    """Matches the row only while its head, epoch and attempt are those of the message."""
    return SymbolStatus.objects.filter(
        symbol_id=message.symbol_id, head=message.sequence, epoch=message.epoch, attempts=message.retries
    )


def live_head(message: Message) -> QuerySet[SymbolStatus]:
    """Matches the row only while the message may run its head: the guard of failures and deferrals."""
    return same_attempt(message).exclude(stage=Stage.CONTROL)


def in_control(message: Message) -> QuerySet[SymbolStatus]:
    """Matches the row only while it waits for the result of this control run."""
    return same_attempt(message).filter(stage=Stage.CONTROL)


def lock(symbol_id: int) -> None:
    """Lock the status row before another row is guarded, so that all code takes locks in the same order.

    On SQLite the transaction itself, being IMMEDIATE, holds the lock already.
    """
    SymbolStatus.objects.select_for_update().values_list("symbol_id").get(symbol_id=symbol_id)


def head_id(row: SymbolStatus) -> int | None:
    """The id of the head's bar, for the timeline; None if there is no head."""
    if row.head is None:
        return None
    return Bar.objects.values_list("id", flat=True).filter(symbol_id=row.symbol_id, sequence=row.head).first()
