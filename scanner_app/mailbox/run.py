"""What the task of a head does: start, then complete, fail or quarantine. Each repeats safely."""

import traceback as tracebacks
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from scanner_app import breaker, latency
from scanner_app.detectors import Finding
from scanner_app.errors import DetectorFailed
from scanner_app.mailbox import hot
from scanner_app.mailbox.messages import Message, Outcome, Ticket
from scanner_app.mailbox.rows import (
    add_event,
    fresh,
    publish_following,
    publish_head,
    save_breaker,
    set_aside,
    wait_for_breaker,
)
from scanner_app.models import CircuitBreaker, EventKind, ProcessingFailure, Stage, SymbolStatus
from scanner_app.models.symbols import breaker_rules

log = structlog.get_logger(__name__)

MAX_ERROR_TEXT = 10_000
"""Characters kept of an error's message: enough to read, and no row of megabytes."""

MAX_TRACEBACK = 100_000
"""Characters kept of a traceback, the end of it: a deep recursion makes millions."""


def start(message: Message, *, now: datetime) -> Ticket | Outcome:
    """The head's ticket if the message is live and the head may run now.

    Writes nothing on that path. SUPERSEDED: the message is stale. DEFERRED: the head may run only later,
    and was published anew for then, without using a step of the backoff.
    """
    head = hot.read_head(message)
    if head is None or not _is_live(head, message):
        return Outcome.SUPERSEDED
    due = _due(head)
    if due is not None and now < due:
        return _defer(message, due)
    return head.ticket


def complete(ticket: Ticket, findings: Iterable[Finding], *, now: datetime) -> Outcome:
    """Store the head's effects, move the cursor past it and name the next head.

    All or nothing, in one transaction; the next head is published after the commit. Taken whenever the bar
    is still the head: detectors are pure, so whose run it was does not matter. SUPERSEDED, with nothing
    changed, if it is not.
    """
    message = ticket.message
    latency_ms = latency.milliseconds(ticket.accepted_at, now)
    figures = latency.rolling(ticket.latencies, latency_ms, now, held=ticket.held)
    with transaction.atomic():
        # First the guarded update: it is the check and, on either database, the lock; and it changes what
        # it guards, or a second copy of the task would pass it too.
        following = hot.move_on_done(ticket, figures, now=now)
        if following is None:
            return Outcome.SUPERSEDED
        hot.finish_bar(ticket, latency_ms, now=now)
        hot.add_signals(ticket, findings, now=now)
        _close_breaker(ticket, now)
        publish_following(message, following)
    return Outcome.COMPLETED


def fail(ticket: Ticket, error: BaseException, *, now: datetime) -> Outcome:
    """Record a failed attempt of the head: breaker, next attempt, traceback; all in one transaction.

    RETRYING: Celery is to retry it, once. CONTROL: its retries are used up, the control run is published.
    HOLDING: the next probe is published. QUARANTINED: it was a replay, which has one attempt.
    SUPERSEDED, with nothing changed, if the message is no longer live: a failure counts once.
    """
    message = ticket.message
    text = _describe(error)
    with transaction.atomic():
        was_live = _live_head(message).update(
            attempts=F("attempts") + 1,
            deferrals=message.deferrals,
            losses=0,
            catching_up=True,
            last_error=f"{text.type}: {text.message}",
        )
        if was_live != 1:
            return Outcome.SUPERSEDED
        log.error(
            "bar_failed",
            symbol=message.ticker,
            sequence=message.sequence,
            bar_time=ticket.timestamp.isoformat(),
            attempt=message.retries + 1,
            exc_info=error,
        )
        if ticket.replayed:
            return _put_aside(ticket, text, now, reason="its replay failed")
        row = fresh(message.symbol_id)
        _count_failure(row, ticket, now)
        plan = decide(
            attempts=row.attempts,
            delays_s=settings.SCANNER_RETRY_DELAYS,
            holding=row.stage == Stage.HOLD,
            breaker_value=row.symbol.breaker.value,
            rules=breaker_rules(),
            now=now,
        )
        row.stage, row.next_attempt_at = plan.stage, plan.next_attempt_at
        row.save(update_fields=["stage", "next_attempt_at"])
        _record_failure(ticket, text, plan, now)
        if plan.outcome is not Outcome.RETRYING:
            publish_head(row)
    return plan.outcome


def quarantine(ticket: Ticket, error: BaseException, *, now: datetime) -> Outcome:
    """Set the head aside at once: the bar itself is unusable. Counts as one failure.

    Only from a live message, once: SUPERSEDED, with nothing changed, otherwise.
    """
    message = ticket.message
    text = _describe(error)
    with transaction.atomic():
        was_live = _live_head(message).update(
            attempts=F("attempts") + 1, catching_up=True, last_error=f"{text.type}: {text.message}"
        )
        if was_live != 1:
            return Outcome.SUPERSEDED
        log.error(
            "bar_unusable",
            symbol=message.ticker,
            sequence=message.sequence,
            bar_time=ticket.timestamp.isoformat(),
            attempt=message.retries + 1,
            exc_info=error,
        )
        if not ticket.replayed:
            _count_failure(fresh(message.symbol_id), ticket, now)
        _record_failure(ticket, text, Plan(outcome=Outcome.QUARANTINED), now)
        return _put_aside(ticket, text, now, reason="the bar is unusable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What follows a failure."""

    outcome: Outcome
    stage: Stage = Stage.RUN
    retry_delay_s: float | None = None  # from the list, or the recovery time in a hold
    next_attempt_at: datetime | None = None  # when it will really run: later if the breaker is open


def decide(
    *,
    attempts: int,
    delays_s: list[float],
    holding: bool,
    breaker_value: breaker.Breaker,
    rules: breaker.Rules,
    now: datetime,
) -> Plan:
    """What follows the `attempts`-th failure of a head, the breaker having counted it already."""
    if holding:
        outcome, stage, delay_s = Outcome.HOLDING, Stage.HOLD, rules.recovery.total_seconds()
    elif attempts <= len(delays_s):
        outcome, stage, delay_s = Outcome.RETRYING, Stage.RUN, delays_s[attempts - 1]
    else:
        return Plan(outcome=Outcome.CONTROL, stage=Stage.CONTROL)
    planned = now + timedelta(seconds=delay_s)
    half_open_at = breaker_value.half_open_at(rules)
    return Plan(
        outcome=outcome,
        stage=stage,
        retry_delay_s=delay_s,
        next_attempt_at=planned if half_open_at is None else max(planned, half_open_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """An error as it is kept: its type's name, message and traceback."""

    type: str
    message: str
    traceback: str


def _describe(error: BaseException) -> ErrorText:
    if isinstance(error, DetectorFailed) and error.__cause__ is not None:
        error = error.__cause__
    return ErrorText(
        type=type(error).__name__[:200],
        message=_storable(str(error)[:MAX_ERROR_TEXT]),
        traceback=_storable("".join(tracebacks.format_exception(error))[-MAX_TRACEBACK:]),
    )


def _storable(text: str) -> str:
    # PostgreSQL stores neither NUL nor lone surrogates: the record of a failure must not fail itself.
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def _is_live(head: hot.Head, message: Message) -> bool:
    return (
        head.runnable
        and head.epoch == message.epoch
        and head.attempts == message.retries
        and head.stage != Stage.CONTROL
    )


def _live_head(message: Message) -> QuerySet[SymbolStatus]:
    return SymbolStatus.objects.filter(
        symbol_id=message.symbol_id, head=message.sequence, epoch=message.epoch, attempts=message.retries
    ).exclude(stage=Stage.CONTROL)


def _due(head: hot.Head) -> datetime | None:
    """When the head may run: its own time, or the half-open moment if that is later; None: now."""
    rules = breaker_rules()
    times = [head.next_attempt_at, None if head.opened_at is None else head.opened_at + rules.recovery]
    return max((time for time in times if time is not None), default=None)


def _close_breaker(ticket: Ticket, now: datetime) -> None:
    message = ticket.message
    failed = CircuitBreaker.objects.filter(symbol_id=message.symbol_id, failures__gt=0).first()
    if failed is None:
        return
    kind = EventKind.RECOVERED if failed.opened_at is None else EventKind.CLOSED
    add_event(
        message.symbol_id,
        kind,
        now,
        bar_id=ticket.bar_id,
        reason=f"after {failed.failures} failures in a row",
    )
    save_breaker(failed, breaker.success(failed.value))
    log.info("recovered", symbol=message.ticker, sequence=message.sequence, attempt=message.retries + 1)


def _defer(message: Message, due: datetime) -> Outcome:
    with transaction.atomic():
        # Guarded by the count of deferrals, so that of two copies only one is published anew.
        was_live = (
            _live_head(message)
            .filter(deferrals=message.deferrals)
            .update(deferrals=F("deferrals") + 1, next_attempt_at=due)
        )
        if was_live != 1:
            return Outcome.SUPERSEDED
        publish_head(fresh(message.symbol_id))
    return Outcome.DEFERRED


def _count_failure(row: SymbolStatus, ticket: Ticket, now: datetime) -> None:
    before = row.symbol.breaker.value
    after = breaker.failure(before, breaker_rules(), now)
    if after.opened_at is None:
        kind = EventKind.PAUSED
    else:
        kind = EventKind.OPENED if before.opened_at is None else EventKind.REOPENED
    save_breaker(row.symbol.breaker, after)
    add_event(
        row.symbol_id,
        kind,
        now,
        bar_id=ticket.bar_id,
        reason=f"{row.symbol.ticker} processing failed {after.failures} times",
    )


def _record_failure(ticket: Ticket, text: ErrorText, plan: Plan, now: datetime) -> None:
    values = {
        "failed_at": now,
        "error_type": text.type,
        "message": text.message,
        "traceback": text.traceback,
        "retry_delay_s": plan.retry_delay_s,
        "next_attempt_at": plan.next_attempt_at,
        "attempt": ticket.message.retries + 1,
    }
    if plan.outcome is Outcome.HOLDING:
        last = ProcessingFailure.objects.filter(bar_id=ticket.bar_id).order_by("-id").values_list("id", flat=True)[:1]
        if ProcessingFailure.objects.filter(id__in=list(last)).update(times=F("times") + 1, **values):
            return
    ProcessingFailure.objects.create(
        symbol_id=ticket.message.symbol_id, bar_id=ticket.bar_id, timestamp=ticket.timestamp, **values
    )


def _put_aside(ticket: Ticket, text: ErrorText, now: datetime, *, reason: str) -> Outcome:
    message = ticket.message
    hot.move_on(message.symbol_id, message.sequence)
    row = fresh(message.symbol_id)
    set_aside(
        row,
        ticket.bar_id,
        now,
        reason=reason,
        attempts=message.retries + 1,
        error=(text.type, text.message, text.traceback),
    )
    wait_for_breaker(row, now)
    publish_head(row)
    return Outcome.QUARANTINED
