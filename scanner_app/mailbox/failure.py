"""Record a failure of a head and decide what follows. A failure counts once, even if it is reported twice."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker, lanes, wording
from scanner_app.domain.bars import VALUES, values_of
from scanner_app.domain.enums import EventKind, Outcome, Stage
from scanner_app.domain.errors import RunKilled
from scanner_app.domain.retry import NextStep, after_failure
from scanner_app.domain.tickers import CANARY
from scanner_app.mailbox import sql
from scanner_app.mailbox.breakers import save_breaker, wait_for_breaker
from scanner_app.mailbox.control import control_failed
from scanner_app.mailbox.error_texts import ErrorText, describe, presentable
from scanner_app.mailbox.events import add_event, count_event_up
from scanner_app.mailbox.heads import publish_head
from scanner_app.mailbox.lane_moves import move_to_lane
from scanner_app.mailbox.quarantine import put_into_quarantine
from scanner_app.mailbox.rows import live_head, read_row
from scanner_app.mailbox.tickets import Ticket
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar, BarRevision, FailureIncident, ProcessingFailure, SymbolStatus
from scanner_app.notifications import outbox
from scanner_app.telemetry import counters

log = structlog.get_logger(__name__)

REVISION_IN_FLIGHT = timedelta(seconds=5)
"""A revision is dated when its request came, and committed some moments later, perhaps on another host: a run that
began up to so long after that date may have read the old values."""


def fail(
    ticket: Ticket,
    error: BaseException,
    *,
    now: datetime,
    hung: bool = False,
    celery_retries: bool = True,
    worker_since: datetime | None = None,
) -> Outcome:
    """Record a failed attempt of the head: breaker, next attempt, traceback; all in one transaction.

    `hung`: it hit a time limit or killed its process, so its symbol moves to the slow lane.
    `celery_retries`: False if there is no running task that Celery could retry; then the retry is published here.
    `worker_since`: when the worker that ran it had begun; None: not known.

    RETRYING: Celery is to retry it, once. CONTROL: its retries are used up, the control run is published.
    HOLDING: the next probe is published. QUARANTINED: it was a replay, which has one attempt.
    DEFERRED: a revision has given the bar other values meanwhile. The failure is not counted, since those have not
    run, and the bar was published again to be run with them.
    SUPERSEDED, with nothing changed, if the message is no longer live: a failure counts once.
    """
    return _fail(
        ticket, error, now=now, hung=hung, celery_retries=celery_retries, worker_since=worker_since, began=None
    )


def _fail(
    ticket: Ticket,
    error: BaseException,
    *,
    now: datetime,
    hung: bool,
    celery_retries: bool,
    worker_since: datetime | None,
    began: datetime | None,
) -> Outcome:
    """The same. `began`: of a run whose values are not known, because it died, when it began."""
    message = ticket.message
    text = describe(error)
    with transaction.atomic():
        # Only the lock, if the values turn out to be old; else the update below changes what this guard checks.
        if live_head(message).update(losses=0) != 1:
            return Outcome.SUPERSEDED
        row = read_row(message.symbol_id)
        if hung:
            move_to_lane(row.symbol_id, row.lane, lanes.INTO_SLOW_LANE, now, reason=text.message)
            row.lane = lanes.INTO_SLOW_LANE.lane
        if _has_other_values(ticket, began):
            if began is not None:
                # The next run of these values begins so late that it counts: one that dies again is no endless loop.
                row.next_attempt_at = now + REVISION_IN_FLIGHT
                row.save(update_fields=["next_attempt_at"])
            return _run_new_values(row, ticket, text)
        live_head(message).update(
            attempts=F("attempts") + 1,
            deferrals=message.deferrals,
            catching_up=True,
            last_error=text.whole,
        )
        row.attempts, row.deferrals = message.retries + 1, message.deferrals
        if ticket.replayed:
            _record_failure(ticket, text, NextStep(outcome=Outcome.QUARANTINED), now, worker_since)
            outcome = _quarantine(ticket, text, now, reason="its replay failed")
        else:
            plan = _retry_or_control(row, ticket, text, now)
            _record_failure(ticket, text, plan, now, worker_since)
            if not (plan.outcome is Outcome.RETRYING and celery_retries):
                publish_head(row)
            outcome = plan.outcome
    _log_failure("bar_failed", ticket, error)
    return outcome


def _retry_or_control(row: SymbolStatus, ticket: Ticket, text: ErrorText, now: datetime) -> NextStep:
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
    return plan


def killed(message: Message, reason: str, *, now: datetime, began: datetime | None = None) -> Outcome:
    """Record a killed run as a failure. Another process reports it, since the run's own process has died.

    `began`: when the run did, if that is known. A run that may have begun before the bar's newest revision does not
    count: DEFERRED. SUPERSEDED, with nothing changed, if the message is no longer live.
    """
    if message.control:
        return control_failed(message, reason=f"the control run was killed: {reason}", now=now)
    head = sql.read_head(message)
    if head is None or not head.is_live_for(message):
        return Outcome.SUPERSEDED
    error = RunKilled(reason)
    return _fail(head.ticket, error, now=now, hung=True, celery_retries=False, worker_since=None, began=began)


def quarantine_head(
    ticket: Ticket, error: BaseException, *, now: datetime, worker_since: datetime | None = None
) -> Outcome:
    """Quarantine the head at once, since the bar itself is unusable. Counts as one failure.

    Only from a live message, once: SUPERSEDED, with nothing changed, otherwise. DEFERRED: a revision has given the
    bar other values meanwhile, and it was published again to be run with these.
    """
    message = ticket.message
    text = describe(error)
    with transaction.atomic():
        if live_head(message).update(losses=0) != 1:
            return Outcome.SUPERSEDED
        if _has_other_values(ticket):
            return _run_new_values(read_row(message.symbol_id), ticket, text)
        SymbolStatus.objects.filter(symbol_id=message.symbol_id).update(
            attempts=F("attempts") + 1, catching_up=True, last_error=text.whole
        )
        if not ticket.replayed:
            _count_failure(read_row(message.symbol_id), ticket, text, now)
        _record_failure(ticket, text, NextStep(outcome=Outcome.QUARANTINED), now, worker_since)
        outcome = _quarantine(ticket, text, now, reason="the bar is unusable")
    _log_failure("bar_unusable", ticket, error)
    return outcome


def _has_other_values(ticket: Ticket, began: datetime | None = None) -> bool:
    """Whether the bar was revised after the ticket was made. The caller holds the row's lock.

    `began`: of a run that died, when it did: the ticket was made after it.
    """
    if Bar.objects.values(*VALUES).get(pk=ticket.bar_id) != values_of(ticket):
        return True
    if began is None:
        return False
    return BarRevision.objects.filter(bar_id=ticket.bar_id, at__gte=began - REVISION_IN_FLIGHT).exists()


def _run_new_values(row: SymbolStatus, ticket: Ticket, text: ErrorText) -> Outcome:
    """Publish the head again instead of counting a failure of values that it no longer has."""
    publish_head(row)
    transaction.on_commit(lambda: log.info("failure_of_old_values", **ticket.logged, error=text.whole), robust=True)
    return Outcome.DEFERRED


def _log_failure(event: str, ticket: Ticket, error: BaseException) -> None:
    """Call it after the commit: a slow log must not prolong the row's lock, and a rollback must not be logged."""
    log.error(event, **ticket.logged, exc_info=presentable(error))


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
            incident_id=_incident_of(text),
            half_open_at=now + breaker_rules().recovery,
            now=now,
        )


def _incident_of(text: ErrorText) -> int | None:
    """The incident of many symbols that a failure of this kind is part of."""
    if text.detector is None:
        return None
    kind = FailureIncident.objects.filter(
        detector=text.detector, error_type=text.type, place=text.place or "", ended_at=None
    )
    return kind.values_list("id", flat=True).first()


def _record_failure(
    ticket: Ticket, text: ErrorText, plan: NextStep, now: datetime, worker_since: datetime | None
) -> None:
    if ticket.message.ticker != CANARY:
        transaction.on_commit(counters.bar_failed, robust=True)
    values = {
        "failed_at": now,
        "worker_since": worker_since,
        "detector": text.detector,
        "detector_version": text.version,
        "place": text.place,
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
        error=text,
    )
    wait_for_breaker(row, now)
    publish_head(row)
    return Outcome.QUARANTINED
