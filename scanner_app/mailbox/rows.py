"""What the transitions share: guarded moves of the hot row, and the messages that follow from it."""

from django.db.models import QuerySet

from scanner_app.domain.enums import Stage
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, SymbolStatus


def read_row(symbol_id: int) -> SymbolStatus:
    """The row with its symbol and breaker, read after the guarded update and so under its lock."""
    return SymbolStatus.objects.select_related("symbol__breaker").get(symbol_id=symbol_id)


def same_attempt(message: Message) -> QuerySet[SymbolStatus]:
    """The row as long as it is at the message's attempt of the message's head."""
    return SymbolStatus.objects.filter(
        symbol_id=message.symbol_id, head=message.sequence, epoch=message.epoch, attempts=message.retries
    )


def live_head(message: Message) -> QuerySet[SymbolStatus]:
    """The row as long as the message is live for it: the guard of failures and deferrals."""
    return same_attempt(message).exclude(stage=Stage.CONTROL)


def in_control(message: Message) -> QuerySet[SymbolStatus]:
    """The row as long as it waits for this control run's verdict."""
    return same_attempt(message).filter(stage=Stage.CONTROL)


def lock(symbol_id: int) -> None:
    """Lock the status row first, where another row is guarded: the order of locks is the same everywhere.

    On SQLite the transaction itself, being IMMEDIATE, holds the lock already.
    """
    SymbolStatus.objects.select_for_update().values_list("symbol_id").get(symbol_id=symbol_id)


def head_id(row: SymbolStatus) -> int | None:
    """The id of the head's bar, for the timeline; None without one."""
    if row.head is None:
        return None
    return Bar.objects.values_list("id", flat=True).filter(symbol_id=row.symbol_id, sequence=row.head).first()
