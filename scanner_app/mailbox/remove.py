"""Delete a symbol: hide it at once, then remove its rows in small batches, so that no other write waits long."""

from datetime import datetime

import structlog
from django.db import models, transaction
from django.db.models import F

from scanner_app.domain.enums import EventKind
from scanner_app.domain.errors import BarsWaiting
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.rows import read_row
from scanner_app.models import (
    Alert,
    Bar,
    BarRevision,
    DerivedSeries,
    FormingBar,
    Gap,
    Hit,
    Notification,
    ProcessingFailure,
    QuarantinedBar,
    RuleFailure,
    RuleStates,
    Signal,
    Silence,
    Symbol,
    SymbolEvent,
    SymbolStatus,
)

log = structlog.get_logger(__name__)

BATCH = 1_000
"""Rows removed in one transaction. It takes milliseconds; on SQLite all other writers wait meanwhile."""

TABLES: tuple[type[models.Model], ...] = (
    Hit,
    RuleStates,
    RuleFailure,
    Signal,
    ProcessingFailure,
    QuarantinedBar,
    Notification,
    Alert,
    Silence,
    SymbolEvent,
    FormingBar,
    DerivedSeries,
    Gap,
    BarRevision,
    Bar,
)
"""The tables that have many rows for a symbol, in the order in which their rows can be removed."""


def delete(symbol: Symbol, *, by: str, now: datetime, force: bool = False, reason: str = "") -> None:
    """Disable and hide the symbol at once; its bars are refused until its rows are gone.

    Raises BarsWaiting, with nothing changed, while bars wait, unless `force`.
    """
    with transaction.atomic():
        SymbolStatus.objects.filter(symbol_id=symbol.pk).update(epoch=F("epoch") + 1)
        row = read_row(symbol.pk)
        if row.backlog and not force:
            raise BarsWaiting(symbol.ticker, row.backlog)
        changed = Symbol.objects.filter(pk=symbol.pk, deleted_at=None).update(deleted_at=now, enabled=False)
        if changed:
            add_event(symbol.pk, EventKind.DELETED, now, actor=by, reason=reason)
    log.warning("deleted", symbol=symbol.ticker, by=by, waiting=row.backlog, reason=reason)


def remove_rows(symbol_id: int) -> bool:
    """Remove one batch of a deleted symbol's rows; True while there are more. The symbol itself goes last."""
    symbol = Symbol.objects.filter(pk=symbol_id, deleted_at__isnull=False).first()
    if symbol is None:
        return False
    for table in TABLES:
        key = "bar__symbol_id" if table is BarRevision else "symbol_id"
        rows = table._default_manager.filter(**{key: symbol_id})  # noqa: SLF001 - Django's documented name
        if ids := list(rows.values_list("pk", flat=True)[:BATCH]):
            table._default_manager.filter(pk__in=ids).delete()  # noqa: SLF001
            return True
    symbol.delete()
    return False
