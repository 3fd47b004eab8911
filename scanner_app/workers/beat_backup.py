"""Have the alert rules evaluated when beat does not ask for it.

Else a dead beat would take with it the one rule that tells of it. The upkeep worker, which evaluates, looks at when
that was last done, and asks itself for it when that is too long ago.
"""

import time
from typing import Any

import structlog
from celery import bootsteps
from django.conf import settings

from scanner_app.alerts.tasks import WATCH_TASK
from scanner_app.domain.worker_roles import role
from scanner_app.messaging import broker, producer

log = structlog.get_logger(__name__)

ROLE = "upkeep"

PATIENCE = 2
"""Evaluations of beat's that may be missed."""


def is_missed(watched: float | None, now_s: float, *, period_s: float) -> bool:
    """Whether it is time to step in; `watched` is when the rules were evaluated last (unix s), None: long ago.

    A time that is yet to come is as good as none: the clock was set back.
    """
    return watched is None or abs(now_s - watched) > PATIENCE * period_s


class Understudy(bootsteps.StartStopStep):
    """Look at every evaluation's time; ask for one that is missing. In the upkeep worker alone."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only where it is evaluated."""
        return role(parent.app.amqp.queues.consume_from) == ROLE

    def start(self, parent: Any) -> None:
        """Begin to look. Not at once: beat may start in the same moment."""
        self.timer = parent.timer.call_repeatedly(settings.SCANNER_WATCH_S, self.look, ())

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Look no more."""
        self.timer.cancel()

    def look(self) -> None:
        """Step in if need be. Runs in the event loop: never raises."""
        period_s = settings.SCANNER_WATCH_S
        try:
            if is_missed(broker.last_watch(), time.time(), period_s=period_s):
                producer.send(WATCH_TASK, queue=ROLE, kwargs={"by": "understudy"}, expires=period_s)
        except producer.UNREACHABLE as exc:
            log.warning("understudy_failed", error=str(exc))
