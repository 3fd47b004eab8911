"""Trigger the evaluation of the alert rules when beat does not.

Without it, a dead beat would also stop the one rule that reports a dead beat. The upkeep worker evaluates the rules;
its beat backup checks when that was last done, and sends the worker its own task if that is too long ago.
"""

import time
from typing import Any

import structlog
from celery import bootsteps
from django.conf import settings

from scanner_app.domain.worker_roles import Role, role_of
from scanner_app.messaging import producer, sweep_memory, task_names

log = structlog.get_logger(__name__)

MISSED_AT_MOST = 2
"""Evaluations that beat may miss."""


def is_missed(evaluated: float | None, now_s: float, *, period_s: float) -> bool:
    """Whether beat has missed too many evaluations. `evaluated` is the time of the last one (unix s); None: long ago.

    A time far in the future counts as missed too: the clock was set back.
    """
    return evaluated is None or abs(now_s - evaluated) > MISSED_AT_MOST * period_s


class BeatBackup(bootsteps.StartStopStep):
    """Check when the rules were evaluated last, and trigger an evaluation if beat does not. Upkeep worker only."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only where the rules are evaluated."""
        return role_of(parent.app.amqp.queues.consume_from) == Role.UPKEEP

    def start(self, parent: Any) -> None:
        """Begin to check. Not at once: beat may start at the same moment."""
        self.timer = parent.timer.call_repeatedly(settings.SCANNER_WATCH_S, self.look, ())

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Stop checking."""
        self.timer.cancel()

    def look(self) -> None:
        """Trigger an evaluation if beat has missed some. Runs in the event loop: never raises."""
        period_s = settings.SCANNER_WATCH_S
        try:
            if is_missed(sweep_memory.last_evaluation(), time.time(), period_s=period_s):
                producer.send(task_names.WATCH, queue=Role.UPKEEP, kwargs={"by": "beat_backup"}, expires=period_s)
        except producer.UNREACHABLE as exc:
            log.warning("beat_backup_failed", error=str(exc))
