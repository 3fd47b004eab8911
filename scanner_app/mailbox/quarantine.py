"""A bar's way into quarantine, and out of it: an operator replays or discards it, or new values for it arrive."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import BarStatus, EventKind, Resolution
from scanner_app.domain.errors import NotInQuarantine
from scanner_app.domain.tickers import CANARY
from scanner_app.mailbox.breakers import wait_for_breaker
from scanner_app.mailbox.error_texts import ErrorText
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.rows import lock, read_row
from scanner_app.models import Bar, QuarantinedBar, SymbolStatus
from scanner_app.telemetry import counters, request_id


def replay(entry: QuarantinedBar, *, by: str, now: datetime, reason: str = "") -> None:
    """Accept the bar again under the next sequence, marked late, for one attempt.

    If the attempt fails, the bar goes back into quarantine; failures and breaker do not change.
    Raises NotInQuarantine, with nothing changed, if the entry is already resolved.
    """
    with transaction.atomic():
        SymbolStatus.objects.filter(symbol_id=entry.symbol_id).update(last_sequence=F("last_sequence") + 1)
        _resolve(entry, Resolution.REPLAYED, now)
        row = read_row(entry.symbol_id)
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
    """Give the bar up: it stays out of all windows. New values for it are still accepted.

    Raises NotInQuarantine, with nothing changed, if the entry is already resolved.
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


def put_into_quarantine(
    row: SymbolStatus,
    bar_id: int,
    now: datetime,
    *,
    reason: str,
    attempts: int,
    error: ErrorText,
    actor: str = SCANNER,
) -> None:
    """Put a bar that is no longer the head into quarantine."""
    if row.symbol.ticker != CANARY:
        transaction.on_commit(counters.bar_quarantined, robust=True)
    Bar.objects.filter(id=bar_id).update(
        status=BarStatus.QUARANTINED, attempts=attempts, finished_at=now, held=False, latency_ms=None
    )
    QuarantinedBar.objects.create(
        symbol_id=row.symbol_id,
        bar_id=bar_id,
        timestamp=Bar.objects.values_list("timestamp", flat=True).get(id=bar_id),
        reason=reason,
        error_type=error.type,
        message=error.message,
        traceback=error.traceback,
        attempt=attempts,
        failed_at=now,
    )
    add_event(row.symbol_id, EventKind.QUARANTINED, now, bar_id=bar_id, actor=actor, reason=reason)


def resolve_entries(bar_ids: list[int], resolution: Resolution, now: datetime) -> None:
    """Resolve the entries of these bars that are not resolved yet. Runs inside the caller's transaction."""
    QuarantinedBar.objects.filter(bar_id__in=bar_ids, resolution="").update(resolution=resolution, resolved_at=now)
