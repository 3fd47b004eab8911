"""The Celery tasks, thin: parse, call, answer."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from scanner_app import mailbox
from scanner_app.alerts.tasks import deliver_notifications, ping_watcher, watch
from scanner_app.detectors import BarUnusable
from scanner_app.domain import wording
from scanner_app.domain.errors import BarFailed
from scanner_app.engine import detection, removal, retention
from scanner_app.mailbox import Message, Outcome, Ticket
from scanner_app.messaging import broker
from scanner_app.messaging.publisher import CONTROL_TASK, DEATH_TASK, HEAD_TASK, REMOVE_TASK, SWEEP_TASK
from scanner_app.reading import gaps
from scanner_app.telemetry import counters
from scanner_app.workers.upkeep import UpkeepTask

__all__ = ["deliver_notifications", "ping_watcher", "watch"]  # Celery finds the tasks of the alerts here

log = structlog.get_logger(__name__)

RUN: dict[str, Any] = {
    "acks_late": True,
    "ignore_result": True,
    "soft_time_limit": settings.SCANNER_SOFT_LIMIT_S,
    "time_limit": settings.SCANNER_HARD_LIMIT_S,
}
"""Options of the tasks that run detectors."""

RETRIES: dict[str, Any] = {"autoretry_for": (BarFailed,), "max_retries": len(settings.SCANNER_RETRY_DELAYS)}

OURS: tuple[type[Exception], ...] = (*detection.OUTAGES, SoftTimeLimitExceeded)
"""Outside of a detector: our database or broker is away, or so slow that the time limit came."""

TRIES = 2
"""An outage is met once more at once, on a fresh connection: most are a connection that the server ended."""


class RunTask(Task):  # type: ignore[type-arg]
    """A task that runs detectors; the parent process hears of it when a run is killed."""

    Request = "scanner_app.workers.requests:HeadRequest"


class HeadTask(RunTask):
    """A task whose countdown before retry n is the n-th of SCANNER_RETRY_DELAYS."""

    def retry(self, *args: Any, **options: Any) -> Any:
        """Celery's retry, with our delay and queue, and the next attempt's number for people who watch."""
        retries = self.request.retries
        options["countdown"] = settings.SCANNER_RETRY_DELAYS[retries]
        if isinstance(error := options.get("exc"), BarFailed):
            options["queue"] = error.queue
        shown: str = getattr(self.request, "argsrepr", None) or ""
        options["argsrepr"] = shown.replace(f"attempt {retries + 1}", f"attempt {retries + 2}")
        options["kwargsrepr"] = ""
        return super().retry(*args, **options)


@shared_task(bind=True, base=HeadTask, name=HEAD_TASK, **RUN, **RETRIES)
def process_head(self: HeadTask, symbol_id: int, sequence: int, epoch: int, deferrals: int = 0) -> str:
    """Process the head of one symbol. Safe to run twice: the second run is superseded."""
    message = _message(self, symbol_id, sequence, epoch, deferrals)
    return _through_outages(message, _process)


@shared_task(bind=True, base=RunTask, name=CONTROL_TASK, **RUN)
def control_run(self: RunTask, symbol_id: int, sequence: int, epoch: int, deferrals: int = 0) -> str:
    """Run the detectors on the symbol's last good bar, to see whose fault the head's failures are."""
    message = _message(self, symbol_id, sequence, epoch, deferrals)
    return _through_outages(message, _control)


def _through_outages(message: Message, run: Callable[[Message], Outcome]) -> str:
    """Run, once more after an outage of our own: that counts against no bar, and at last is the sweeper's work."""
    with bound_contextvars(**message.logged):  # in every line of the run, whoever logs it
        for _ in range(TRIES):
            try:
                outcome = run(message)
            except OURS as exc:
                connection.close()
                log.error("outage", exc_info=exc)
                if isinstance(exc, SoftTimeLimitExceeded):
                    break  # the hard limit is near
            else:
                _count(outcome)
                return outcome
        counters.outage()
        broker.mark_outage(message.identity)
        return "outage"


def _count(outcome: Outcome) -> None:
    """Count deliveries that ran nothing; what else can happen is counted where its figures are."""
    if outcome is Outcome.SUPERSEDED:
        counters.bar_superseded()
    elif outcome is Outcome.DEFERRED:
        counters.bar_deferred()


def _process(message: Message) -> Outcome:
    ticket = mailbox.start(message, now=timezone.now())
    if isinstance(ticket, Outcome):  # superseded, or deferred to its time: not ours now
        return ticket
    with bound_contextvars(**ticket.logged):
        outcome = _run(ticket)
        log.debug("bar_run", outcome=outcome)
    return outcome


def _run(ticket: Ticket) -> Outcome:
    window = detection.load_window(ticket)
    began = time.monotonic()
    try:
        findings = detection.detect(ticket, window)
    except BarUnusable as exc:  # permanent: no retry can help
        return mailbox.quarantine(ticket, exc, now=timezone.now())
    except Exception as exc:  # noqa: BLE001 - whatever a detector raises is its bar's failure, and recorded
        return _failed(ticket, exc, hung=isinstance(exc, SoftTimeLimitExceeded))
    run_s = time.monotonic() - began
    now = timezone.now()
    try:
        outcome = mailbox.complete(ticket, findings, now=now, run_s=run_s)
    except OURS:
        raise
    except Exception as exc:  # noqa: BLE001 - what our transaction refuses must not go round for ever
        return _failed(ticket, exc, hung=False)
    if outcome is Outcome.COMPLETED:
        counters.bar_processed(
            latency_s=max(0.0, (now - ticket.accepted_at).total_seconds()), run_s=run_s, held=ticket.held
        )
    return outcome


def _failed(ticket: Ticket, error: Exception, *, hung: bool) -> Outcome:
    outcome = mailbox.fail(ticket, error, now=timezone.now(), hung=hung)
    if outcome is Outcome.RETRYING:  # recorded once, so Celery may retry it once
        raise BarFailed(
            wording.error_line(type(error).__name__, mailbox.text_of(error)), mailbox.queue_of(ticket.message)
        ) from error
    return outcome


def _control(message: Message) -> Outcome:
    ticket = mailbox.start_control(message)
    if isinstance(ticket, Outcome):
        return ticket
    if ticket is None:
        return mailbox.control_failed(message, reason="no bar of it was ever processed", now=timezone.now())
    window = detection.load_window(ticket)
    try:
        detection.detect(ticket, window)
    except Exception as exc:  # noqa: BLE001 - the verdict that the control run is for
        reason = f"the control run failed too: {type(exc).__name__}: {mailbox.text_of(exc)}"
        return mailbox.control_failed(message, reason=reason, now=timezone.now())
    return mailbox.control_passed(message, now=timezone.now())


@shared_task(name=DEATH_TASK, acks_late=True, ignore_result=True)
def bar_died(message: dict[str, Any], reason: str) -> str:
    """Count a run that was killed as a failure like another. Told by the worker's parent process."""
    return mailbox.died(Message(**message), reason, now=timezone.now())


@shared_task(base=UpkeepTask, name=SWEEP_TASK, ignore_result=True, time_limit=30)
def sweep() -> dict[str, int]:
    """Publish again the heads that nobody holds."""
    now = timezone.now()
    due = mailbox.due_heads(now)
    # The memory first, then queues, then tells: what moves on meanwhile is seen in a later place.
    unqueued = broker.unqueued_since()
    queued = broker.queued({mailbox.queue_name(message.ticker, row.lane) for row, message in due})
    held = {name for told in broker.tells().values() for name in told["held"]}
    sighting = mailbox.Sighting(
        queued=frozenset(queued),
        held=frozenset(held),
        unqueued_since=unqueued,
        outages=frozenset(broker.outages()),
        patience_s=settings.SCANNER_TELL_S + 0.5,
    )
    report = mailbox.sweep(due, sighting, now=now)
    broker.remember_sweep(report.unqueued)
    counters.swept(report.counts())
    return report.counts()


@shared_task(base=UpkeepTask, name="scanner.count_gaps", ignore_result=True, time_limit=120)
def count_gaps() -> int:
    """Count the gaps of symbols that have had bars since the last time."""
    return gaps.count(timezone.now)


@shared_task(base=UpkeepTask, name="scanner.remove_rows", ignore_result=True)
def remove_rows() -> int:
    """Remove some rows of the symbol that was deleted first; beat asks every two seconds."""
    return removal.work()


@shared_task(base=UpkeepTask, name="scanner.prune", ignore_result=True)
def prune() -> dict[str, int]:
    """Forget some of what is older than the settings keep."""
    return retention.prune(timezone.now())


@shared_task(name=REMOVE_TASK, acks_late=True, ignore_result=True)
def remove_symbol(symbol_id: int) -> int:
    """Begin at once with the rows of a symbol that was just deleted."""
    return removal.work(symbol_id)


def _message(task: RunTask, symbol_id: int, sequence: int, epoch: int, deferrals: int) -> Message:
    queue: str = task.request.delivery_info["routing_key"]  # type: ignore[index, assignment]
    return Message(
        symbol_id=symbol_id,
        ticker=mailbox.ticker_of_queue(queue),
        sequence=sequence,
        epoch=epoch,
        retries=task.request.retries,
        deferrals=deferrals,
        control=task.name == CONTROL_TASK,
    )
