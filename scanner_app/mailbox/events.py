"""Write events: lines of a symbol's timeline, each in the transaction of the change that it reports."""

from datetime import datetime

from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import EventKind
from scanner_app.models import SymbolEvent


def add_event(
    symbol_id: int,
    kind: EventKind,
    now: datetime,
    *,
    bar_id: int | None = None,
    actor: str = SCANNER,
    reason: str = "",
) -> None:
    """Write a line of the symbol's timeline."""
    SymbolEvent.objects.create(symbol_id=symbol_id, kind=kind, at=now, bar_id=bar_id, actor=actor, reason=reason)


def count_event_up(symbol_id: int, kind: EventKind, now: datetime, *, bar_id: int, reason: str) -> bool:
    """Renew the newest event instead of adding one, if it has this kind and bar. Returns whether it did."""
    last = SymbolEvent.objects.filter(symbol_id=symbol_id).order_by("-id").first()
    if last is None or (last.kind, last.bar_id) != (kind, bar_id):
        return False
    SymbolEvent.objects.filter(pk=last.pk).update(at=now, reason=reason)
    return True
