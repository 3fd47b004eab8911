"""Say which messages a worker holds, for the sweeper and /readyz."""

from collections.abc import Iterator
from typing import Any

import celery.worker.state as worker_state
import structlog
from celery import bootsteps
from django.conf import settings
from redis.exceptions import RedisError

from scanner_app.domain.worker_roles import role
from scanner_app.mailbox.messages import identity
from scanner_app.messaging import broker
from scanner_app.workers import watchdog

log = structlog.get_logger(__name__)


class Tells(bootsteps.StartStopStep):
    """Tell every two seconds which messages this worker holds, for the sweeper and /readyz."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        """Tell at once, so that a worker started anew takes back what its predecessor told."""
        self.tell(parent)
        self.timer = parent.timer.call_repeatedly(settings.SCANNER_TELL_S, self.tell, (parent,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Tell no more; the last tell expires."""
        self.timer.cancel()

    def tell(self, parent: Any) -> None:
        """Write the tell. Runs in the event loop: never raises."""
        held = {identity(request.id, request.request_dict.get("retries") or 0) for request in _requests(parent)}
        try:
            broker.tell(parent.hostname, role(parent.app.amqp.queues.consume_from), held, lying_s=watchdog.lying_s())
        except RedisError as exc:
            log.warning("tell_failed", worker=parent.hostname, error=str(exc))


def _requests(parent: Any) -> Iterator[Any]:
    """Everything the worker holds: running, waiting for a slot, and waiting for its time."""
    yield from tuple(worker_state.active_requests)
    yield from tuple(worker_state.reserved_requests)
    for entry in tuple(parent.timer.schedule.queue):
        # An ETA task waits as a timer entry whose first argument is its request.
        args = entry.entry.args or ()
        if args and hasattr(args[0], "request_dict"):
            yield args[0]
