"""Write events: lines of a symbol's timeline, each in the transaction of the change that it reports."""

from datetime import datetime
from typing import Any

from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import EventKind
from scanner_app.models import SymbolEvent, SymbolStatus

BATCH = 200
"""Rows of one transaction: on SQLite every other writer waits for it."""


def add_event(
    symbol_id: int,
    kind: EventKind,
    now: datetime,
    *,
    bar_id: int | None = None,
    actor: str = SCANNER,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write a line of the symbol's timeline. `detail`, as JSON: what an action has changed, see models/events.py."""
    SymbolEvent.objects.create(
        symbol_id=symbol_id, kind=kind, at=now, bar_id=bar_id, actor=actor, reason=reason, detail=detail
    )


def add_to_all(kind: EventKind, now: datetime, *, reason: str, detail: dict[str, Any]) -> None:
    """Write a line of the timeline of every symbol that has had bars. Not all of them in one transaction."""
    symbols = SymbolStatus.objects.filter(symbol__deleted_at=None, last_sequence__gt=0).values_list("pk", flat=True)
    rows = [
        SymbolEvent(symbol_id=pk, kind=kind, at=now, actor=SCANNER, reason=reason, detail=detail)
        for pk in symbols.order_by("pk")
    ]
    for begin in range(0, len(rows), BATCH):
        SymbolEvent.objects.bulk_create(rows[begin : begin + BATCH])


def count_event_up(symbol_id: int, kind: EventKind, now: datetime, *, bar_id: int, reason: str) -> bool:
    """Renew the newest event instead of adding one, if it has this kind and bar. Returns whether it did."""
    last = SymbolEvent.objects.filter(symbol_id=symbol_id).order_by("-id").first()
    if last is None or (last.kind, last.bar_id) != (kind, bar_id):
        return False
    SymbolEvent.objects.filter(pk=last.pk).update(at=now, reason=reason)
    return True
