"""Operators' actions on a symbol. Each writes an event; those that concern the head raise the epoch."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from scanner_app.domain import breaker
from scanner_app.domain.enums import EventKind, Stage
from scanner_app.domain.errors import NothingToSkip
from scanner_app.mailbox import sql
from scanner_app.mailbox.breakers import save_breaker, wait_for_breaker
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.quarantine import put_into_quarantine
from scanner_app.mailbox.rows import head_id, lock, read_row
from scanner_app.models import Bar, ProcessingFailure, Symbol, SymbolStatus
from scanner_app.notifications import outbox


def reset(symbol: Symbol, *, by: str, now: datetime, reason: str = "") -> None:
    """Set failures and attempts to 0, close the breaker and publish the head at once."""
    with transaction.atomic():
        _rows(symbol).update(
            epoch=F("epoch") + 1, attempts=0, deferrals=0, losses=0, stage=Stage.RUN, next_attempt_at=None
        )
        row = read_row(symbol.pk)
        if row.symbol.breaker.incident_at is not None:
            outbox.recovered(
                symbol_id=symbol.pk,
                ticker=symbol.ticker,
                now=now,
                failures=row.symbol.breaker.failures,
                incident_at=row.symbol.breaker.incident_at,
                by=by,
            )
        if row.symbol.breaker.failures:
            save_breaker(row.symbol.breaker, breaker.closed())
        add_event(row.symbol_id, EventKind.RESET, now, bar_id=head_id(row), actor=by, reason=reason)
        publish_head(row)


def skip(symbol: Symbol, *, by: str, now: datetime, reason: str = "") -> None:
    """Quarantine the head now; the next bar becomes the head. Raises NothingToSkip without a head."""
    with transaction.atomic():
        _rows(symbol).update(epoch=F("epoch") + 1)
        row = read_row(symbol.pk)
        attempts = row.attempts
        if row.head is None or sql.finish_head(symbol.pk, row.head) is None:
            raise NothingToSkip(symbol.ticker)
        row = read_row(symbol.pk)
        bar_id, accepted_at = Bar.objects.values_list("id", "accepted_at").get(symbol_id=symbol.pk, sequence=row.cursor)
        # A corrected or replayed bar also has failures from before it was accepted again: these do not count.
        failures = ProcessingFailure.objects.filter(bar_id=bar_id, failed_at__gte=accepted_at)
        last = failures.order_by("-id").first()
        put_into_quarantine(
            row,
            bar_id,
            now,
            reason=f"skipped by {by}" + (f": {reason}" if reason else ""),
            attempts=attempts,
            error=(last.error_type, last.message, last.traceback) if last else ("", "", ""),
            actor=by,
        )
        add_event(row.symbol_id, EventKind.SKIPPED, now, bar_id=bar_id, actor=by, reason=reason)
        wait_for_breaker(row, now)
        publish_head(row)


def disable(symbol: Symbol, *, by: str, now: datetime, reason: str = "") -> bool:
    """Publish nothing more; a running bar may finish, and new bars wait. False: the symbol was already disabled."""
    return _switch(symbol, EventKind.DISABLED, by, now, reason, enabled=False)


def enable(symbol: Symbol, *, by: str, now: datetime, reason: str = "") -> bool:
    """Publish the waiting head and go on. False: the symbol was already enabled."""
    return _switch(symbol, EventKind.ENABLED, by, now, reason, enabled=True)


def set_calendar(symbol: Symbol, calendar: str, *, by: str, now: datetime, reason: str = "") -> None:
    """Set the trading calendar, by which late and missing bars are counted. "" means the calendar of the settings."""
    with transaction.atomic():
        lock(symbol.pk)
        if Symbol.objects.filter(pk=symbol.pk).exclude(calendar=calendar).update(calendar=calendar) != 1:
            return  # it already has this calendar
        _rows(symbol).update(gaps_sequence=0)  # count the gaps again
        chosen = calendar or "by the settings"
        add_event(symbol.pk, EventKind.CALENDAR, now, actor=by, reason=f"{chosen}: {reason}" if reason else chosen)


def _switch(symbol: Symbol, kind: EventKind, by: str, now: datetime, reason: str, *, enabled: bool) -> bool:
    with transaction.atomic():
        lock(symbol.pk)
        # Guarded on the symbol's own row: a filter across the join would be a sub-select, which is not read
        # again after a wait for the lock.
        if Symbol.objects.filter(pk=symbol.pk, enabled=not enabled).update(enabled=enabled) != 1:
            return False  # nothing changed, so no event is written
        _rows(symbol).update(epoch=F("epoch") + 1)
        # Bars that wait now have waited for the operator, so their latency must not count as slowness.
        _rows(symbol).filter(head__isnull=False).update(catching_up=True)
        row = read_row(symbol.pk)
        add_event(row.symbol_id, kind, now, actor=by, reason=reason)
        publish_head(row)
    return True


def _rows(symbol: Symbol) -> QuerySet[SymbolStatus]:
    return SymbolStatus.objects.filter(symbol_id=symbol.pk)
