"""The Celery tasks, thin: parse, call, answer."""

from typing import Any

import structlog
from celery import Task, shared_task
from django.conf import settings
from django.db import connection
from django.utils import timezone

from scanner_app import broker, mailbox, processing
from scanner_app.detectors import BarUnusable
from scanner_app.errors import BarFailed
from scanner_app.mailbox import Message, Outcome

log = structlog.get_logger(__name__)


class HeadTask(Task):  # type: ignore[misc] # celery-types leaves Task untyped for subclasses
    """A task whose countdown before retry n is the n-th of SCANNER_RETRY_DELAYS."""

    def retry(self, *args: Any, **options: Any) -> Any:
        """Celery's retry, with our delay and with the next attempt's number for people who watch."""
        retries = self.request.retries
        options["countdown"] = settings.SCANNER_RETRY_DELAYS[retries]
        options["argsrepr"] = self.request.argsrepr.replace(f"attempt {retries + 1}", f"attempt {retries + 2}")
        options["kwargsrepr"] = ""
        return super().retry(*args, **options)


@shared_task(
    bind=True,
    base=HeadTask,
    name="scanner.process_head",
    acks_late=True,
    autoretry_for=(BarFailed,),
    max_retries=len(settings.SCANNER_RETRY_DELAYS),
    soft_time_limit=settings.SCANNER_SOFT_LIMIT_S,
    time_limit=settings.SCANNER_HARD_LIMIT_S,
    ignore_result=True,
)
def process_head(self: HeadTask, symbol_id: int, sequence: int, epoch: int, deferrals: int = 0) -> str:
    """Process the head of one symbol. Safe to run twice: the second run is superseded."""
    message = _message(self, symbol_id, sequence, epoch, deferrals)
    try:
        return _process(message)
    except processing.OUTAGES as exc:
        # Ours, not the bar's: nothing is counted, and the sweeper brings the head back.
        connection.close()
        log.error("outage", symbol=message.ticker, sequence=sequence, attempt=message.retries + 1, exc_info=exc)
        return "outage"


def _process(message: Message) -> Outcome:
    ticket = mailbox.start(message, now=timezone.now())
    if isinstance(ticket, Outcome):  # superseded, or deferred to its time: not ours now
        return ticket
    try:
        findings = processing.find(ticket)
        return mailbox.complete(ticket, findings, now=timezone.now())
    except processing.OUTAGES:
        raise
    except BarUnusable as exc:  # permanent: no retry can help
        return mailbox.quarantine(ticket, exc, now=timezone.now())
    except Exception as exc:
        outcome = mailbox.fail(ticket, exc, now=timezone.now())
        if outcome is Outcome.RETRYING:  # recorded once, so Celery may retry it once
            raise BarFailed(f"{type(exc).__name__}: {exc}") from exc
        return outcome


@shared_task(
    bind=True,
    name="scanner.control_run",
    acks_late=True,
    soft_time_limit=settings.SCANNER_SOFT_LIMIT_S,
    time_limit=settings.SCANNER_HARD_LIMIT_S,
    ignore_result=True,
)
def control_run(self: Task, symbol_id: int, sequence: int, epoch: int, deferrals: int = 0) -> str:
    """Run the detectors on the symbol's last good bar, to see whose fault the head's failures are."""
    message = _message(self, symbol_id, sequence, epoch, deferrals)
    ticket = mailbox.start_control(message)
    if isinstance(ticket, Outcome):
        return ticket
    if ticket is None:
        return mailbox.control_failed(message, reason="no bar of the symbol was ever processed", now=timezone.now())
    try:
        processing.find(ticket)
    except processing.OUTAGES as exc:
        connection.close()
        log.error("outage", symbol=message.ticker, sequence=sequence, exc_info=exc)
        return "outage"
    except Exception as exc:  # noqa: BLE001 - the verdict that the control run is for
        reason = f"the control run failed: {type(exc).__name__}: {exc}"
        return mailbox.control_failed(message, reason=reason, now=timezone.now())
    return mailbox.control_passed(message, now=timezone.now())


@shared_task(name="scanner.sweep", ignore_result=True)
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
        patience_s=settings.SCANNER_TELL_S + 0.5,
    )
    report = mailbox.sweep(due, sighting, now=now)
    broker.remember_sweep(report.unqueued)
    return report.counts()


def _message(task: Task, symbol_id: int, sequence: int, epoch: int, deferrals: int) -> Message:
    return Message(
        symbol_id=symbol_id,
        ticker=mailbox.ticker_of_queue(task.request.delivery_info["routing_key"]),
        sequence=sequence,
        epoch=epoch,
        retries=task.request.retries,
        deferrals=deferrals,
        control=task.name == "scanner.control_run",
    )
