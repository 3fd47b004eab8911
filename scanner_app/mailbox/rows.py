"""What the transitions share: guarded moves of the hot row, and the messages that follow from it."""

from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from scanner_app.domain import breaker
from scanner_app.mailbox.messages import Message, Ticket
from scanner_app.mailbox.sql import Following, what_follows
from scanner_app.messaging.publisher import publish_after_commit, queue_name
from scanner_app.models import (
    Bar,
    BarStatus,
    CircuitBreaker,
    EventKind,
    Lane,
    QuarantinedBar,
    Resolution,
    Stage,
    SymbolEvent,
    SymbolStatus,
)
from scanner_app.models.symbols import breaker_rules
from scanner_app.telemetry import counters

SCANNER = "scanner"
"""The actor of what nobody asked for."""


def fresh(symbol_id: int) -> SymbolStatus:
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


def queue_of(message: Message) -> str:
    """The queue that the symbol's messages go to now: it may have changed its lane since this one."""
    try:
        lane = SymbolStatus.objects.values_list("lane", flat=True).get(symbol_id=message.symbol_id)
    except (OperationalError, InterfaceError):
        lane = Lane.MAIN  # the failure is recorded: its retry must not be lost for want of the right lane
    return queue_name(message.ticker, lane)


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


def head_message(row: SymbolStatus) -> Message | None:
    """The message that is live for the row as it is; None without a head or while nothing may be published."""
    bar = None if row.head is None else what_follows(row.symbol_id, row.head)[1]
    return None if bar is None else message_of(row, *bar)


def message_of(row: SymbolStatus, timeframe: str = "", timestamp: datetime | None = None) -> Message:
    """The live message of a row that has a head, whose bar has this timeframe and time.

    Both may be left out where only the task's id or the delivery's identity is asked for.
    """
    if row.head is None:
        raise ValueError(f"{row.symbol.ticker} has no head")
    return Message(
        symbol_id=row.symbol_id,
        ticker=row.symbol.ticker,
        sequence=row.head,
        epoch=row.epoch,
        retries=row.attempts,
        deferrals=row.deferrals,
        control=row.stage == Stage.CONTROL,
        bar="" if timestamp is None else describe_bar(timeframe, timestamp),
    )


def ticket_of(message: Message, bar: Bar, *, held: bool = False, latencies: list[list[int]] | None = None) -> Ticket:
    """The ticket that lets `message` run `bar`."""
    return Ticket(
        message=message,
        bar_id=bar.pk,
        timeframe=bar.timeframe,
        timestamp=bar.timestamp,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        late=bar.late,
        replayed=bar.replayed,
        accepted_at=bar.accepted_at,
        request_id=bar.request_id,
        held=held,
        latencies=latencies or [],
    )


def publish_head(row: SymbolStatus) -> None:
    """Publish the row's head, if it has one, after the commit and for the time when it may run."""
    if message := head_message(row):
        publish_after_commit(message, lane=row.lane, due=row.next_attempt_at)


def publish_following(done: Message, following: Following, bar: tuple[str, datetime] | None) -> None:
    """Publish the head that follows a bar that is done, after the commit; its breaker is closed.

    `bar` is timeframe and time of the head; None while nothing may be published.
    """
    if following.head is None or bar is None:
        return
    message = Message(
        symbol_id=done.symbol_id,
        ticker=done.ticker,
        sequence=following.head,
        epoch=following.epoch,
        retries=0,
        bar=describe_bar(*bar),
    )
    publish_after_commit(message, lane=following.lane)


def describe_bar(timeframe: str, timestamp: datetime) -> str:
    """A bar's name for people who look at Flower."""
    return f"{timeframe} {timestamp:%Y-%m-%dT%H:%M:%SZ}"


def wait_for_breaker(row: SymbolStatus, now: datetime) -> None:
    """A new head of a symbol whose breaker is open is due at the half-open moment, as the probe."""
    due = breaker.due(row.symbol.breaker.value, breaker_rules(), now)
    if row.head is not None and due is not None:
        row.next_attempt_at = due
        # It waits for the breaker, not for the engine.
        SymbolStatus.objects.filter(symbol_id=row.symbol_id).update(next_attempt_at=due, catching_up=True)


def save_breaker(row: CircuitBreaker, value: Any) -> None:
    """Store a breaker's new value."""
    row.failures, row.opened_at, row.incident_at = value.failures, value.opened_at, value.incident_at
    row.save(update_fields=["failures", "opened_at", "incident_at"])


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


def set_aside(
    row: SymbolStatus,
    bar_id: int,
    now: datetime,
    *,
    reason: str,
    attempts: int,
    error: tuple[str, str, str] = ("", "", ""),
    actor: str = SCANNER,
) -> None:
    """Put a bar, no longer the head, into quarantine. `error` is type, message and traceback."""
    error_type, text, traceback = error
    transaction.on_commit(counters.bar_quarantined, robust=True)
    Bar.objects.filter(id=bar_id).update(
        status=BarStatus.QUARANTINED, attempts=attempts, finished_at=now, held=False, latency_ms=None
    )
    QuarantinedBar.objects.create(
        symbol_id=row.symbol_id,
        bar_id=bar_id,
        timestamp=Bar.objects.values_list("timestamp", flat=True).get(id=bar_id),
        reason=reason,
        error_type=error_type,
        message=text,
        traceback=traceback,
        attempt=attempts,
        failed_at=now,
    )
    add_event(row.symbol_id, EventKind.QUARANTINED, now, bar_id=bar_id, actor=actor, reason=reason)


def resolve_quarantine(bar_ids: list[int], resolution: Resolution, now: datetime) -> None:
    """Close the open entries of these bars."""
    QuarantinedBar.objects.filter(bar_id__in=bar_ids, resolution="").update(resolution=resolution, resolved_at=now)
