"""What our workers do beside running tasks: follow the symbols' queues, tell what they hold, live on.

A worker's role is the name of its base queue: `celery -A scanner_project worker -Q main` (or slow, upkeep).
"""

import zlib
from collections.abc import Iterator
from typing import Any

import celery.worker.state as worker_state
import structlog
from billiard.exceptions import WorkerLostError
from celery import bootsteps
from celery.worker import consumer as celery_consumer
from celery.worker import request
from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from scanner_app import broker, mailbox
from scanner_app.mailbox import publishing
from scanner_app.mailbox.messages import identity
from scanner_app.models import Lane, Symbol

log = structlog.get_logger(__name__)

FOLLOW_S = 1.0
"""Seconds between two looks at which symbols there are: a new one is consumed within about that."""

LANES = {lane.value for lane in Lane}
"""Roles whose workers consume symbols' queues."""


class Consumer(celery_consumer.Consumer):
    """Celery's consumer, which lives through the loss of its broker.

    Celery 5.7.0 drops the transport in collect() and then fails in close(): the worker would end with
    "'NoneType' object has no attribute 'hostname'". What is skipped here is only the prefetch reduction.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Log the loss and let the consumer connect anew."""
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            log.warning("broker_lost", worker=self.hostname, exc_info=True)


class HeadRequest(request.Request):
    """A message in the worker's parent process, which hears of it when the run is killed with its process.

    Celery acknowledges such a message and never retries it; so the parent tells the mailbox, through a small
    task on the upkeep queue, since it must not touch the database itself.
    """

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Tell of the hard time limit."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._tell_of_death(f"killed at the hard time limit of {timeout:g} s")

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        """Tell of a process that died."""
        result = super().on_failure(exc_info, *args, **options)
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, (WorkerLostError, SystemExit, KeyboardInterrupt)):
            self._tell_of_death(f"its process died: {error}")
        return result

    def _tell_of_death(self, reason: str) -> None:
        symbol_id, sequence, epoch = self.args
        message = mailbox.Message(
            symbol_id=symbol_id,
            ticker=mailbox.ticker_of_queue(str(self.delivery_info["routing_key"])),
            sequence=sequence,
            epoch=epoch,
            retries=self.request_dict.get("retries") or 0,
            control=self.name == publishing.CONTROL_TASK,
        )
        log.error("run_killed", symbol=message.ticker, sequence=sequence, attempt=message.retries + 1, reason=reason)
        publishing.publish_death(message, reason)


def role(queues: Any) -> str:
    """The role of a worker that consumes `queues`: main, slow, or whatever base queue it was started with."""
    return next((name for name in (*LANES, "upkeep", "notify") if name in queues), "main")


def shard_of(ticker: str, shards: int) -> int:
    """The shard, from 0, that a ticker belongs to: the same in every process, unlike hash()."""
    return zlib.crc32(ticker.encode()) % shards


def wanted_queues(lane: str) -> set[str]:
    """The symbols' queues that a worker of this lane and of this process's shard should consume."""
    symbols = Symbol.objects.filter(deleted_at=None)
    if lane == Lane.SLOW:
        symbols = symbols.filter(status__lane=Lane.SLOW)
    return {
        mailbox.queue_name(ticker, lane)
        for ticker in symbols.values_list("ticker", flat=True)
        if shard_of(ticker, settings.SCANNER_SHARDS) == settings.SCANNER_SHARD
    }


class FollowQueues(bootsteps.StartStopStep):
    """Consume the queues of the symbols that there are now, also of those added while the worker runs."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only in workers of a lane."""
        return role(parent.app.amqp.queues.consume_from) in LANES

    def start(self, parent: Any) -> None:
        """Look at once, then every second."""
        self.sync(parent)
        self.timer = parent.timer.call_repeatedly(FOLLOW_S, self.sync, (parent,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Look no more."""
        self.timer.cancel()

    def sync(self, parent: Any) -> None:
        """Begin with queues that are new and end with those that are gone. Runs in the event loop: never raises."""
        consumed = set(parent.app.amqp.queues.consume_from)
        lane = role(consumed)
        try:
            wanted = wanted_queues(lane)
            for queue in wanted - consumed:
                parent.add_task_queue(queue)
            # A queue of the slow lane is left only with the worker: a last message may still come.
            for queue in consumed - wanted - {lane} if lane == Lane.MAIN else ():
                parent.cancel_task_queue(queue)
        except Exception:
            log.exception("follow_queues_failed", lane=lane)
        finally:
            connection.close()  # the children are forked from this process and must not share it


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
        free_slots = parent.pool.num_processes - len(worker_state.active_requests)
        try:
            broker.tell(parent.hostname, role(parent.app.amqp.queues.consume_from), held, free_slots=free_slots)
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
