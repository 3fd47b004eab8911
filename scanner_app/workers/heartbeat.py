"""Write the worker's heartbeat, for the sweeper, /readyz and the alert rules."""

from collections.abc import Iterator
from typing import Any

import celery.worker.state as worker_state
import structlog
from celery import bootsteps
from django.conf import settings
from redis.exceptions import RedisError

from scanner_app.domain.worker_roles import role_of
from scanner_app.messaging import heartbeats
from scanner_app.messaging.messages import identity
from scanner_app.workers import watchdog

log = structlog.get_logger(__name__)


class HeartbeatStep(bootsteps.StartStopStep):
    """Write every SCANNER_HEARTBEAT_S which messages this worker holds."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        """Write at once, so that a restarted worker replaces the heartbeat of the one before it."""
        self.beat(parent)
        self.timer = parent.timer.call_repeatedly(settings.SCANNER_HEARTBEAT_S, self.beat, (parent,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Stop writing; the last heartbeat expires."""
        self.timer.cancel()

    def beat(self, parent: Any) -> None:
        """Write the heartbeat. Runs in the event loop: never raises."""
        held = {identity(request.id, request.request_dict.get("retries") or 0) for request in _requests(parent)}
        role = role_of(parent.app.amqp.queues.consume_from)
        try:
            heartbeats.write(parent.hostname, role, held, unanswered_s=watchdog.unanswered_s())
        except RedisError as exc:
            log.warning("heartbeat_failed", worker=parent.hostname, error=str(exc))


def _requests(parent: Any) -> Iterator[Any]:
    """Everything the worker holds: running, waiting for a slot, and waiting for its time."""
    yield from tuple(worker_state.active_requests)
    yield from tuple(worker_state.reserved_requests)
    for entry in tuple(parent.timer.schedule.queue):
        # An ETA task waits as a timer entry whose first argument is its request.
        args = entry.entry.args or ()
        if args and hasattr(args[0], "request_dict"):
            yield args[0]
