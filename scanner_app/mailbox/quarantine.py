"""Operators' acts on bars in quarantine."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from scanner_app.domain.errors import NotInQuarantine
from scanner_app.mailbox.rows import add_event, fresh, lock, publish_head, wait_for_breaker
from scanner_app.models import Bar, BarStatus, EventKind, QuarantinedBar, Resolution, SymbolStatus
from scanner_app.telemetry import request_id


def replay(entry: QuarantinedBar, *, by: str, now: datetime, reason: str = "") -> None:
    """Accept the bar anew under the next free number, marked late, for one attempt.

    If that fails it is back in quarantine, without touching failures or breaker.
    Raises NotInQuarantine, with nothing changed, if the entry has been dealt with.
    """
    with transaction.atomic():
        SymbolStatus.objects.filter(symbol_id=entry.symbol_id).update(last_sequence=F("last_sequence") + 1)
        _resolve(entry, Resolution.REPLAYED, now)
        row = fresh(entry.symbol_id)
        Bar.objects.filter(pk=entry.bar_id).update(
            sequence=row.last_sequence,
            status=BarStatus.WAITING,
            late=True,
            replayed=True,
            held=False,
            attempts=0,
            accepted_at=now,
            finished_at=None,
            latency_ms=None,
            request_id=request_id.current(),
        )
        add_event(entry.symbol_id, EventKind.REPLAYED, now, bar_id=entry.bar_id, actor=by, reason=reason)
        if row.head is None:
            row.head = row.last_sequence
            row.save(update_fields=["head"])
            wait_for_breaker(row, now)
            publish_head(row)


def discard(entry: QuarantinedBar, *, by: str, now: datetime, reason: str = "") -> None:
    """Give the bar up: it is in no window, and only new values for it are accepted.

    Raises NotInQuarantine, with nothing changed, if the entry has been dealt with.
    """
    with transaction.atomic():
        lock(entry.symbol_id)
        _resolve(entry, Resolution.DISCARDED, now)
        Bar.objects.filter(pk=entry.bar_id).update(status=BarStatus.DISCARDED)
        add_event(entry.symbol_id, EventKind.DISCARDED, now, bar_id=entry.bar_id, actor=by, reason=reason)


def _resolve(entry: QuarantinedBar, resolution: Resolution, now: datetime) -> None:
    changed = QuarantinedBar.objects.filter(pk=entry.pk, resolution="").update(resolution=resolution, resolved_at=now)
    if changed != 1:
        raise NotInQuarantine(entry.pk)
