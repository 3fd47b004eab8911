"""Add slots to a worker while runs hang, so that hung symbols do not keep all slots from the others.

A hung run occupies its slot until the soft limit. If every slot were occupied so, all other symbols would wait until
then. So while no slot is free, the worker has one more slot for each run that takes long, up to a limit.
"""

import gc
import time
from collections.abc import Iterable
from typing import Any

import celery.worker.state as worker_state
import structlog
from celery import bootsteps
from django.conf import settings

from scanner_app.domain.worker_roles import LANE_ROLES, role_of
from scanner_app.workers.children import has_children

log = structlog.get_logger(__name__)

LOOK_S = 0.25
"""Seconds between two checks. Hung runs delay other symbols by LONG_RUN_S and this at most."""

LONG_RUN_S = 1.0
"""A run that takes longer counts as hung. Not less: on a busy machine a run waits for SQLite's only lock for longer
than it computes, and more processes would only wait for the same lock."""

SPARE_S = 60.0
"""Seconds for which processes that were added stay without being needed."""


def wanted_slots(
    started: Iterable[float | None], now_s: float, *, slots: int, base: int, spare: int, long_s: float
) -> int:
    """How many slots a worker should have: `base`, and one more for each run that takes longer than `long_s`.

    At most `spare` more, and not more than the present number `slots` while one of these is free. `started` are the
    times (unix s) at which the runs began; None: it has not begun yet.
    """
    runs = list(started)
    long = sum(began is not None and now_s - began > long_s for began in runs)
    wanted = base + min(long, spare)
    return wanted if len(runs) >= slots else min(wanted, slots)


class Autoscale(bootsteps.StartStopStep):
    """Check often how long the runs have taken; add slots for those that hang, and take the slots back afterwards.

    A process that was added stays for SPARE_S, in case the hanging goes on. Then one after the other is ended, each at
    a moment at which the worker has no bar at all: a process that was just given one must not be ended.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only in workers that run bars, and in processes, of which there can be more."""
        return has_children(parent.pool) and role_of(parent.app.amqp.queues.consume_from) in LANE_ROLES

    def start(self, parent: Any) -> None:
        """Begin to check; also after a reconnect, when the consumer has its first number of slots again."""
        # Celery collects garbage before each fork, which blocks the event loop for 0.15 s. Frozen objects are skipped.
        gc.freeze()
        self.slots: int = parent.controller.concurrency
        self.needed_s = time.monotonic()  # when there was last a reason for more processes than the first ones
        self.timer = parent.timer.call_repeatedly(LOOK_S, self.look, (parent,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Stop checking."""
        self.timer.cancel()

    def look(self, parent: Any) -> None:
        """Set the number of slots. Runs in the event loop, as Celery's own command that adds processes does."""
        wanted = wanted_slots(
            [request.time_start for request in tuple(worker_state.active_requests)],
            time.time(),
            slots=self.slots,
            base=parent.controller.concurrency,
            spare=settings.SCANNER_AUTOSCALE_PROCESSES,
            long_s=LONG_RUN_S,
        )
        if wanted > (processes := parent.pool.num_processes):
            log.warning("processes_added", worker=parent.hostname, more=wanted - processes, processes=wanted)
            parent.pool.grow(wanted - processes)
            parent.pool.maintain_pool()
        # The prefetch count: how many messages the worker may take at a time. We use it as the number of slots.
        if wanted > self.slots:
            parent.qos.increment_eventually(wanted - self.slots)
        elif wanted < self.slots:
            parent.qos.decrement_eventually(self.slots - wanted)
        self.slots = wanted
        self.end_spare(parent, time.monotonic())

    def end_spare(self, parent: Any, now_s: float) -> None:
        """End a process that was added, if none is needed any more. `now_s` is time.monotonic()."""
        base = parent.controller.concurrency
        if self.slots > base:
            self.needed_s = now_s
        # Jobs leave the cache when their result is here, and this thread gives them out: so none is under way.
        idle = not parent.pool._pool._cache  # noqa: SLF001 - Celery offers no other way to what its processes have
        if parent.pool.num_processes > base and idle and now_s - self.needed_s > SPARE_S:
            parent.pool.shrink(1)
            log.info("process_ended", worker=parent.hostname, processes=parent.pool.num_processes)
