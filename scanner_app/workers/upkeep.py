"""The base class of tasks that beat triggers at short intervals."""

from typing import Any

import structlog
from celery import Task
from django.db import connection

from scanner_app.workers.outages import AWAY

log = structlog.get_logger(__name__)


class UpkeepTask(Task):  # type: ignore[type-arg]
    """A task that does not fail while our database or broker is away: it ends, and logs one line.

    Nothing is lost by that: beat triggers it again in seconds. If it does not run for long, /readyz and the alerts show
    it.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run the task; None: our database or broker is away."""
        try:
            return super().__call__(*args, **options)
        except AWAY as exc:
            connection.close()
            log.warning("upkeep_put_off", task=self.name, error=f"{type(exc).__name__}: {exc}")
            return None
