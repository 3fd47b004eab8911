"""Operators' actions on a symbol. Each writes an event; those that concern the head raise the epoch.

The event's detail has what the action changed, before and after, and `filter` if it was done to all that matched one.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from scanner_app.domain import breaker
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import EventKind, Stage
from scanner_app.domain.errors import NothingToSkip
from scanner_app.domain.wording import clock, with_reason
from scanner_app.mailbox import sql
from scanner_app.mailbox.breakers import save_breaker, wait_for_breaker
from scanner_app.mailbox.error_texts import of_failure
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.quarantine import put_into_quarantine
from scanner_app.mailbox.rows import head_id, lock, read_row
from scanner_app.models import Bar, ProcessingFailure, Symbol, SymbolStatus
from scanner_app.notifications import outbox

Matched = dict[str, Any] | None
"""The filter that the symbol matched, if the action is done to all that match it."""


def reset(symbol: Symbol, *, by: str, now: datetime, reason: str = "", matched: Matched = None) -> None:
    """Set failures and attempts to 0, close the breaker and publish the head at once."""
    with transaction.atomic():
        _rows(symbol).update(epoch=F("epoch") + 1)
        row = read_row(symbol.pk)
        before = head_and_breaker(row)
        begin_again(row, by=by, now=now)
        detail = changes(before, head_and_breaker(row), matched)
        add_event(row.symbol_id, EventKind.RESET, now, bar_id=head_id(row), actor=by, reason=reason, detail=detail)
        publish_head(row)


def begin_again(row: SymbolStatus, *, by: str, now: datetime) -> None:
    """Forget the head's failures and close the breaker. The caller holds the row's lock and publishes the head."""
    row.attempts, row.deferrals, row.losses, row.stage, row.next_attempt_at = 0, 0, 0, Stage.RUN, None
    row.save(update_fields=["attempts", "deferrals", "losses", "stage", "next_attempt_at"])
    failed = row.symbol.breaker
    if failed.incident_at is not None:
        outbox.recovered(
            symbol_id=row.symbol_id,
            ticker=row.symbol.ticker,
            now=now,
            failures=failed.failures,
            incident_at=failed.incident_at,
            by=by,
        )
    if failed.failures:
        save_breaker(failed, breaker.closed())


def skip(symbol: Symbol, *, by: str, now: datetime, reason: str = "", matched: Matched = None) -> None:
    """Quarantine the head now; the next bar becomes the head. Raises NothingToSkip without a head."""
    with transaction.atomic():
        _rows(symbol).update(epoch=F("epoch") + 1)
        row = read_row(symbol.pk)
        attempts, before = row.attempts, head_and_breaker(row)
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
            reason=with_reason(f"skipped by {by}", reason),
            attempts=attempts,
            error=of_failure(last),
            actor=by,
        )
        detail = changes(before, head_and_breaker(row), matched)
        add_event(row.symbol_id, EventKind.SKIPPED, now, bar_id=bar_id, actor=by, reason=reason, detail=detail)
        wait_for_breaker(row, now)
        publish_head(row)


def disable(
    symbol: Symbol,
    *,
    by: str,
    now: datetime,
    reason: str = "",
    until: datetime | None = None,
    matched: Matched = None,
) -> bool:
    """Publish nothing more; a running bar may finish, and new bars wait. False: nothing has changed.

    `until`: when it is enabled by itself; None: by an operator. A disabled symbol gets the new end.
    """
    return _switch(symbol, EventKind.DISABLED, by, now, reason, enabled=False, until=until, matched=matched)


def enable(symbol: Symbol, *, by: str, now: datetime, reason: str = "", matched: Matched = None) -> bool:
    """Publish the waiting head and go on. False: the symbol was already enabled."""
    return _switch(symbol, EventKind.ENABLED, by, now, reason, enabled=True, matched=matched)


def enable_due(now: datetime) -> int:
    """Enable the symbols whose time of being disabled is over; returns how many. Each in its own transaction."""
    due = Symbol.objects.filter(enabled=False, deleted_at=None, disabled_until__lte=now).order_by("ticker")
    reason = "the time for which it was disabled is over"
    return sum(
        _switch(symbol, EventKind.ENABLED, SCANNER, now, reason, enabled=True, only_until=symbol.disabled_until)
        for symbol in due
    )


def set_calendar(symbol: Symbol, calendar: str, *, by: str, now: datetime, reason: str = "") -> None:
    """Set the trading calendar, by which late and missing bars are counted. "" means the calendar of the settings."""
    with transaction.atomic():
        lock(symbol.pk)
        before = Symbol.objects.values_list("calendar", flat=True).get(pk=symbol.pk)
        if Symbol.objects.filter(pk=symbol.pk).exclude(calendar=calendar).update(calendar=calendar) != 1:
            return  # it already has this calendar
        _rows(symbol).update(gaps_sequence=0)  # count the gaps again
        chosen = calendar or "by the settings"
        detail = changes({"calendar": before}, {"calendar": calendar})
        add_event(symbol.pk, EventKind.CALENDAR, now, actor=by, reason=with_reason(chosen, reason), detail=detail)


def set_p95(symbol: Symbol, p95_ms: int | None, *, by: str, now: datetime, reason: str = "") -> None:
    """Set the p95 latency (ms) over which the symbol is slow. None means SCANNER_ALERT_P95_MS."""
    with transaction.atomic():
        lock(symbol.pk)
        before = Symbol.objects.values_list("p95_ms", flat=True).get(pk=symbol.pk)
        if before == p95_ms:
            return
        Symbol.objects.filter(pk=symbol.pk).update(p95_ms=p95_ms)
        chosen = "that of the settings" if p95_ms is None else f"{p95_ms:,} ms"
        detail = changes({"p95_ms": before}, {"p95_ms": p95_ms})
        add_event(symbol.pk, EventKind.THRESHOLD, now, actor=by, reason=with_reason(chosen, reason), detail=detail)


def _switch(
    symbol: Symbol,
    kind: EventKind,
    by: str,
    now: datetime,
    reason: str,
    *,
    enabled: bool,
    until: datetime | None = None,
    only_until: datetime | None = None,
    matched: Matched = None,
) -> bool:
    with transaction.atomic():
        lock(symbol.pk)
        # Guarded on the symbol's own row: a filter across the join would be a sub-select, which is not read
        # again after a wait for the lock.
        row_of_it = Symbol.objects.filter(pk=symbol.pk)
        before: dict[str, Any] = {**row_of_it.values("enabled", "disabled_until").get()}
        after = {"enabled": enabled, "disabled_until": until}
        if only_until is not None and before != {"enabled": False, "disabled_until": only_until}:
            return False  # an operator was first
        if before == after or row_of_it.filter(**before).update(**after) != 1:
            return False  # nothing changed, so no event is written
        if before["enabled"] != enabled:
            _rows(symbol).update(epoch=F("epoch") + 1)
            # Bars that wait now have waited for the operator, so their latency must not count as slowness.
            _rows(symbol).filter(head__isnull=False).update(catching_up=True)
        row = read_row(symbol.pk)
        if until is not None:
            reason = with_reason(f"until {clock(until)}", reason)
        add_event(
            row.symbol_id, kind, now, actor=by, reason=reason, detail=changes(_plain(before), _plain(after), matched)
        )
        if before["enabled"] != enabled:
            publish_head(row)
    return True


def head_and_breaker(row: SymbolStatus) -> dict[str, Any]:
    """What reset and skip change of a symbol."""
    stored = row.symbol.breaker
    return _plain(
        {
            "head": row.head,
            "attempts": row.attempts,
            "stage": str(row.stage),
            "failures": stored.failures,
            "opened_at": stored.opened_at,
        }
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """With times as text, for JSON."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def changes(before: dict[str, Any], after: dict[str, Any], matched: Matched = None) -> dict[str, Any]:
    """An event's detail."""
    return {"before": before, "after": after, **({"filter": matched} if matched is not None else {})}


def _rows(symbol: Symbol) -> QuerySet[SymbolStatus]:
    return SymbolStatus.objects.filter(symbol_id=symbol.pk)
