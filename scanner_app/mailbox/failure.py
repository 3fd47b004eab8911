"""Record a failure of a head and decide what follows. A failure counts once, even if it is reported twice."""

import traceback as tracebacks
from dataclasses import dataclass
from datetime import datetime

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.db.models import F

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker, lanes, wording
from scanner_app.domain.bars import VALUES, values_of
from scanner_app.domain.enums import EventKind, Outcome, Stage
from scanner_app.domain.errors import DetectorFailed, RunKilled
from scanner_app.domain.retry import NextStep, after_failure
from scanner_app.mailbox import sql
from scanner_app.mailbox.breakers import save_breaker, wait_for_breaker
from scanner_app.mailbox.control import control_failed
from scanner_app.mailbox.events import add_event, count_event_up
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.lane_moves import move_to_lane
from scanner_app.mailbox.quarantine import put_into_quarantine
from scanner_app.mailbox.rows import live_head, read_row
from scanner_app.mailbox.tickets import Ticket
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, ProcessingFailure, SymbolStatus
from scanner_app.notifications import outbox
from scanner_app.telemetry import counters

log = structlog.get_logger(__name__)

MAX_ERROR_TEXT = 10_000
"""Most characters that are stored of an error's message, so that no row has megabytes."""

MAX_TRACEBACK = 100_000
"""Most characters that are stored of a traceback, counted from its end: a deep recursion makes millions."""


def fail(
    ticket: Ticket, error: BaseException, *, now: datetime, hung: bool = False, celery_retries: bool = True
) -> Outcome:
    """Record a failed attempt of the head: breaker, next attempt, traceback; all in one transaction.

    `hung`: it hit a time limit or killed its process, so its symbol moves to the slow lane.
    `celery_retries`: False if there is no running task that Celery could retry; then the retry is published here.

    RETRYING: Celery is to retry it, once. CONTROL: its retries are used up, the control run is published.
    HOLDING: the next probe is published. QUARANTINED: it was a replay, which has one attempt.
    SUPERSEDED, with nothing changed, if the message is no longer live: a failure counts once.
    """
    message = ticket.message
    text = _describe(error)
    with transaction.atomic():
        was_live = live_head(message).update(
            attempts=F("attempts") + 1,
            deferrals=message.deferrals,
            losses=0,
            catching_up=True,
            last_error=f"{text.type}: {text.message}",
        )
        if was_live != 1:
            return Outcome.SUPERSEDED
        row = read_row(message.symbol_id)
        if hung:
            move_to_lane(row.symbol_id, row.lane, lanes.INTO_SLOW_LANE, now, reason=text.message)
            row.lane = lanes.INTO_SLOW_LANE.lane
        if ticket.replayed:
            _record_failure(ticket, text, NextStep(outcome=Outcome.QUARANTINED), now)
            outcome = _quarantine(ticket, text, now, reason="its replay failed")
        else:
            outcome = _retry_or_control(row, ticket, text, now, celery_retries=celery_retries)
    _log_failure("bar_failed", ticket, error)
    return outcome


def _retry_or_control(
    row: SymbolStatus, ticket: Ticket, text: "ErrorText", now: datetime, *, celery_retries: bool
) -> Outcome:
    """Count the failure, then store the retry, control run or hold that follows."""
    _count_failure(row, ticket, text, now)
    plan = after_failure(
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
    if not (plan.outcome is Outcome.RETRYING and celery_retries):
        publish_head(row)
    return plan.outcome


def killed(message: Message, reason: str, *, now: datetime) -> Outcome:
    """Record a killed run as a failure. Another process reports it, since the run's own process has died.

    SUPERSEDED, with nothing changed, if the message is no longer live.
    """
    if message.control:
        return control_failed(message, reason=f"the control run was killed: {reason}", now=now)
    head = sql.read_head(message)
    if head is None or not head.is_live_for(message):
        return Outcome.SUPERSEDED
    return fail(head.ticket, RunKilled(reason), now=now, hung=True, celery_retries=False)


def quarantine_head(ticket: Ticket, error: BaseException, *, now: datetime) -> Outcome:
    """Quarantine the head at once, since the bar itself is unusable. Counts as one failure.

    Only from a live message, once: SUPERSEDED, with nothing changed, otherwise. DEFERRED: a revision has given the
    bar other values meanwhile, and it was published again to be run with these.
    """
    message = ticket.message
    text = _describe(error)
    with transaction.atomic():
        if live_head(message).update(losses=0) != 1:
            return Outcome.SUPERSEDED
        if _has_other_values(ticket):
            publish_head(read_row(message.symbol_id))
            return Outcome.DEFERRED
        SymbolStatus.objects.filter(symbol_id=message.symbol_id).update(
            attempts=F("attempts") + 1, catching_up=True, last_error=f"{text.type}: {text.message}"
        )
        if not ticket.replayed:
            _count_failure(read_row(message.symbol_id), ticket, text, now)
        _record_failure(ticket, text, NextStep(outcome=Outcome.QUARANTINED), now)
        outcome = _quarantine(ticket, text, now, reason="the bar is unusable")
    _log_failure("bar_unusable", ticket, error)
    return outcome


def _has_other_values(ticket: Ticket) -> bool:
    """Whether the bar was revised after the ticket was made. The caller holds the row's lock."""
    return bool(Bar.objects.values(*VALUES).get(pk=ticket.bar_id) != values_of(ticket))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """An error as it is stored: its type's name, message and traceback."""

    type: str
    message: str
    traceback: str


def _describe(error: BaseException) -> ErrorText:
    if isinstance(error, DetectorFailed) and error.__cause__ is not None:
        error = error.__cause__
    return ErrorText(
        type=type(error).__name__[:200],
        message=_storable(text_of(error)[:MAX_ERROR_TEXT]),
        traceback=_storable("".join(tracebacks.format_exception(error))[-MAX_TRACEBACK:]),
    )


def text_of(error: BaseException) -> str:
    """The message of an error. The message of Celery's soft limit is only its name, so it gets a better one here."""
    if isinstance(error, SoftTimeLimitExceeded):
        return f"stopped after {wording.span(settings.SCANNER_SOFT_LIMIT_S)} (the soft limit)"
    return str(error)


def _storable(text: str) -> str:
    # PostgreSQL refuses NUL and lone surrogates, and storing a failure must not fail.
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def _log_failure(event: str, ticket: Ticket, error: BaseException) -> None:
    """Call it after the commit: a slow log must not prolong the row's lock, and a rollback must not be logged."""
    log.error(event, **ticket.logged, exc_info=error)


def _count_failure(row: SymbolStatus, ticket: Ticket, text: ErrorText, now: datetime) -> None:
    before = row.symbol.breaker.value
    after = breaker.failure(before, breaker_rules(), now)
    if after.opened_at is None:
        kind = EventKind.PAUSED
    else:
        kind = EventKind.OPENED if before.opened_at is None else EventKind.REOPENED
    save_breaker(row.symbol.breaker, after)
    reason = f"{row.symbol.ticker} processing failed {wording.counted(after.failures, 'time')}"
    # A hold may probe for hours: its failures share one row, and one line of the timeline.
    if not (row.stage == Stage.HOLD and count_event_up(row.symbol_id, kind, now, bar_id=ticket.bar_id, reason=reason)):
        add_event(row.symbol_id, kind, now, bar_id=ticket.bar_id, reason=reason)
    if kind is EventKind.OPENED:
        outbox.opened(
            symbol_id=row.symbol_id,
            ticker=row.symbol.ticker,
            bar_id=ticket.bar_id,
            bar_time=ticket.timestamp,
            timeframe=ticket.timeframe,
            failures=after.failures,
            error=(text.type, text.message),
            half_open_at=now + breaker_rules().recovery,
            now=now,
        )


def _record_failure(ticket: Ticket, text: ErrorText, plan: NextStep, now: datetime) -> None:
    transaction.on_commit(counters.bar_failed, robust=True)
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


def _quarantine(ticket: Ticket, text: ErrorText, now: datetime, *, reason: str) -> Outcome:
    message = ticket.message
    sql.finish_head(message.symbol_id, message.sequence)
    row = read_row(message.symbol_id)
    put_into_quarantine(
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
