"""The Celery tasks. Each only converts its arguments and calls one function of another room.

Beat and every worker import this. What needs NumPy and TA-Lib (20 MB) is imported by the tasks that use it: beat and
the workers without detectors do not need them.
"""

from datetime import UTC, datetime
from typing import Any

import structlog
from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from scanner_app import mailbox
from scanner_app.alerts import drill as drills
from scanner_app.alerts import evaluate, gather, unexpected, watcher_ping
from scanner_app.domain.enums import ErrorSource
from scanner_app.domain.errors import BarFailed
from scanner_app.engine import (
    assuming,
    broken_detectors,
    deriving,
    detector_versions,
    gaps,
    removal,
    reruns,
    retention,
    sweeping,
)
from scanner_app.messaging import queue_names, sweep_memory, task_names
from scanner_app.messaging.messages import Message, next_in_words
from scanner_app.notifications import delivery
from scanner_app.signals import numbering, telling
from scanner_app.workers.upkeep import UpkeepTask

log = structlog.get_logger(__name__)

DELIVER_SOFT_LIMIT_S = 60
"""Well above delivery.RUN_FOR and one notification's time-outs: only a server that answers byte by byte hits it."""

DELIVER_HARD_LIMIT_S = 75
"""Below delivery.LEASE."""

TELL_SOFT_LIMIT_S = 48
"""Above telling.RUN_FOR and one message's time-outs."""

TELL_HARD_LIMIT_S = 55
"""For a send that does not heed the soft limit."""

WATCH_LIMIT_S = 30
"""A thousand symbols take a fraction of a second; a broker that hangs costs a few of its time-outs of 2 s."""

PING_LIMIT_S = 30
"""Above the sum of all waits of watcher_ping.TIMEOUT_S, redirects included."""

RUN: dict[str, Any] = {
    "acks_late": True,
    "ignore_result": True,
    "soft_time_limit": settings.SCANNER_SOFT_LIMIT_S,
    "time_limit": settings.SCANNER_HARD_LIMIT_S,
}
"""Options of the tasks that run detectors."""

RERUN: dict[str, Any] = {
    "soft_time_limit": settings.SCANNER_SOFT_LIMIT_S + reruns.BUDGET_S,
    "time_limit": settings.SCANNER_HARD_LIMIT_S + reruns.BUDGET_S,
}
"""Limits of a task that runs the detectors on many bars: the last of them may take as long as a bar's run."""

WORTH_LIMIT_S = 60
"""Far above outcomes.PIECE_S: storing the figures takes longest."""

RETRIES: dict[str, Any] = {"autoretry_for": (BarFailed,), "max_retries": len(settings.SCANNER_RETRY_DELAYS)}


class RunTask(Task):  # type: ignore[type-arg]
    """A task that runs detectors. If a run is killed, HeadRequest reports that in the worker's parent process."""

    Request = "scanner_app.workers.requests:HeadRequest"


class HeadTask(RunTask):
    """A task whose delay before retry n is the n-th of SCANNER_RETRY_DELAYS."""

    def retry(self, *args: Any, **options: Any) -> Any:
        """Celery's retry, with our delay and queue, and with the next attempt's number and time in what Flower shows.

        The time is that of the half-open moment if it is later: then the retry finds the breaker open and waits for it.
        """
        retries, due = self.request.retries, None
        options["countdown"] = settings.SCANNER_RETRY_DELAYS[retries]
        if isinstance(error := options.get("exc"), BarFailed):
            options["queue"], due = error.queue, error.due
        shown: str = getattr(self.request, "argsrepr", None) or ""
        options["argsrepr"] = next_in_words(shown, retries + 1, due)
        options["kwargsrepr"] = ""
        return super().retry(*args, **options)


@shared_task(bind=True, base=HeadTask, name=task_names.PROCESS_HEAD, **RUN, **RETRIES)
def process_head(self: HeadTask, symbol_id: int, sequence: int, epoch: int, deferrals: int = 0) -> str:
    """Process the head of one symbol. Safe to run twice: the second run is superseded."""
    from scanner_app.engine import runs  # noqa: PLC0415 - see above

    message = _message(self, symbol_id, sequence, epoch, deferrals)
    return runs.through_outages(message, runs.process_head)


@shared_task(bind=True, base=RunTask, name=task_names.CONTROL_RUN, **RUN)
def control_run(self: RunTask, symbol_id: int, sequence: int, epoch: int, deferrals: int = 0) -> str:
    """Run the detectors on the symbol's last good bar, to find out whether the head is at fault."""
    from scanner_app.engine import runs  # noqa: PLC0415 - see above

    message = _message(self, symbol_id, sequence, epoch, deferrals)
    return runs.through_outages(message, runs.control_run)


@shared_task(name=task_names.BAR_DIED, acks_late=True, ignore_result=True)
def bar_died(message: dict[str, Any], reason: str, began: float | None = None) -> str:
    """Count a killed run, which began then (unix s), as a failure like another. The worker's parent publishes it."""
    start = None if began is None else datetime.fromtimestamp(began, UTC)
    return mailbox.killed(Message(**message), reason, now=timezone.now(), began=start)


@shared_task(name=task_names.TASK_DIED, acks_late=True, ignore_result=True)
def task_died(task: str, error: str) -> None:
    """Note a task other than a bar's that was killed with its process. The worker's parent publishes it."""
    unexpected.note(ErrorSource.TASK, task, error)


@shared_task(base=UpkeepTask, name=task_names.SWEEP, ignore_result=True, time_limit=30)
def sweep() -> dict[str, int]:
    """Redeliver the heads that no queue and no worker has."""
    return sweeping.sweep()


@shared_task(base=UpkeepTask, name=task_names.ASSUME, ignore_result=True, time_limit=60)
def assume() -> dict[str, int]:
    """Accept forming bars that nobody has sent as closed. Safe to run twice, also at the same time."""
    return assuming.run(timezone.now())


@shared_task(base=UpkeepTask, name=task_names.DERIVE, ignore_result=True, time_limit=60)
def derive() -> int:
    """Make the bars of higher timeframes whose periods have ended without another base bar. Safe to run twice."""
    return deriving.run(timezone.now())


@shared_task(base=UpkeepTask, name=task_names.ENABLE_DUE, ignore_result=True, time_limit=60)
def enable_due() -> int:
    """Enable the symbols whose time of being disabled is over. Safe to run twice, also at the same time."""
    return mailbox.enable_due(timezone.now())


@shared_task(base=UpkeepTask, name=task_names.COUNT_GAPS, ignore_result=True, time_limit=120)
def count_gaps() -> int:
    """Count the gaps of symbols that have had bars since the last count."""
    return gaps.count(timezone.now)


@shared_task(name=task_names.REMOVE_SYMBOL, acks_late=True, ignore_result=True)
def remove_symbol(symbol_id: int) -> int:
    """Begin at once to remove the rows of a symbol that was just deleted."""
    return removal.remove_some_rows(symbol_id)


@shared_task(base=UpkeepTask, name=task_names.REMOVE_ROWS, ignore_result=True)
def remove_rows() -> int:
    """Remove some rows of the symbol that was deleted first. Beat triggers it every two seconds."""
    return removal.remove_some_rows()


@shared_task(base=UpkeepTask, name=task_names.RERUN, ignore_result=True, **RERUN)
def rerun() -> int:
    """Have the detectors look again at some bars of the span that is due; beat triggers it every two seconds."""
    detector_versions.note(timezone.now())
    return reruns.run(timezone.now)


@shared_task(base=UpkeepTask, name=task_names.WATCH_DETECTORS, ignore_result=True, time_limit=60)
def watch_detectors() -> dict[str, int]:
    """Find detectors that fail on many symbols, and clear the symbols of those that are off. Safe to run twice."""
    return broken_detectors.run(timezone.now)


@shared_task(base=UpkeepTask, name=task_names.PROBE_DETECTORS, ignore_result=True, **RERUN)
def probe_detectors() -> int:
    """Try the detectors that an incident has switched off, if it is time. Safe to run twice."""
    from scanner_app.engine import probing  # noqa: PLC0415 - see above

    return probing.run(timezone.now)


@shared_task(base=UpkeepTask, name=task_names.COMPUTE_WORTH, ignore_result=True, time_limit=WORTH_LIMIT_S)
def compute_worth() -> bool:
    """Work for a second on what the signals were worth, if that is a day old. Beat triggers it every five seconds."""
    from scanner_app.signals import outcomes  # noqa: PLC0415 - see above

    return outcomes.go_on(timezone.now())


@shared_task(base=UpkeepTask, name=task_names.PRUNE, ignore_result=True)
def prune() -> dict[str, int]:
    """Remove some of the rows that are older than the settings keep, and of the stream's numbers."""
    now = timezone.now()
    return retention.prune(now) | {"numbers": numbering.forget_old(now)}


@shared_task(base=UpkeepTask, name=task_names.WATCH, time_limit=WATCH_LIMIT_S, ignore_result=True)
def watch(by: str = "") -> dict[str, int]:
    """Evaluate the alert rules; `by` is "beat" if beat triggered it. Safe to run twice, also at the same time."""
    result = evaluate.run(gather.gather(timezone.now(), by_beat=by == "beat"))
    if not result.superseded:  # else this run has judged nothing, and the other one remembers its own time
        _remember_evaluation()
    return result.counts()


@shared_task(base=UpkeepTask, name=task_names.DRILL, time_limit=30, ignore_result=True)
def drill() -> str:
    """Drive the schedule's drill on, or begin it when its time has come. Safe to run twice, also at the same time."""
    return drills.tick(timezone.now())


@shared_task(
    name=task_names.DELIVER,
    soft_time_limit=DELIVER_SOFT_LIMIT_S,
    time_limit=DELIVER_HARD_LIMIT_S,
    ignore_result=True,
)
def deliver_notifications() -> dict[str, int]:
    """Send the notifications that are due. Safe to run twice, also at the same time."""
    return delivery.run(timezone.now)


@shared_task(
    name=task_names.TELL,
    soft_time_limit=TELL_SOFT_LIMIT_S,
    time_limit=TELL_HARD_LIMIT_S,
    ignore_result=True,
)
def tell_hits() -> dict[str, int]:
    """Tell the hits that are due. Safe to run twice, also at the same time."""
    return telling.run(timezone.now)


@shared_task(name=task_names.PING, time_limit=PING_LIMIT_S, ignore_result=True)
def ping_watcher() -> str:
    """Ping the outside watcher, if all is well."""
    return watcher_ping.run(timezone.now())


def _remember_evaluation() -> None:
    try:
        sweep_memory.remember_evaluation()
    except RedisError as exc:
        log.warning("watch_not_remembered", error=str(exc))


def _message(task: RunTask, symbol_id: int, sequence: int, epoch: int, deferrals: int) -> Message:
    queue: str = task.request.delivery_info["routing_key"]  # type: ignore[index, assignment]
    return Message(
        symbol_id=symbol_id,
        ticker=queue_names.ticker_of_queue(queue),
        sequence=sequence,
        epoch=epoch,
        retries=task.request.retries,
        deferrals=deferrals,
        control=task.name == task_names.CONTROL_RUN,
    )
