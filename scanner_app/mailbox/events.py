"""Lines of a symbol's timeline, written with what they tell of."""

from datetime import datetime

from scanner_app.domain.enums import EventKind
from scanner_app.models import SymbolEvent

SCANNER = "scanner"
"""The actor of what nobody asked for."""


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
    """Bring the newest line of the timeline up to date, if it tells the same of the same bar; whether it did."""
    last = SymbolEvent.objects.filter(symbol_id=symbol_id).order_by("-id").first()
    if last is None or (last.kind, last.bar_id) != (kind, bar_id):
        return False
    SymbolEvent.objects.filter(pk=last.pk).update(at=now, reason=reason)
    return True
