"""Tasks that beat asks for again and again."""

from typing import Any

import structlog
from celery import Task
from django.db import connection

from scanner_app.workers.outages import AWAY

log = structlog.get_logger(__name__)


class UpkeepTask(Task):  # type: ignore[type-arg]
    """A task that ends with one line of the log, and no failure, while our database or broker is away.

    Nothing is lost with it: beat asks again in seconds, and that it did not run is what /readyz and the alerts see.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run it; None: something of ours is away."""
        try:
            return super().__call__(*args, **options)
        except AWAY as exc:
            connection.close()
            log.warning("upkeep_put_off", task=self.name, error=f"{type(exc).__name__}: {exc}")
            return None
