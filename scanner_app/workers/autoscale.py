"""More slots while runs hang, so that hung symbols do not take all of a worker's slots from the others.

A hung run holds its slot until the soft limit, and as many as there are slots would hold everybody for so long.
So while runs take long and no slot is free, the worker has as many more, up to a bound.
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

log = structlog.get_logger(__name__)

LOOK_S = 0.25
"""Seconds between two looks: with LONG_RUN_S, the longest that hung runs hold the others."""

LONG_RUN_S = 1.0
"""A run that takes longer hangs. Not less: on a busy machine a run waits for SQLite's one lock for longer than it
computes, and more processes would only wait with it."""


def wanted_slots(
    started: Iterable[float | None], now_s: float, *, slots: int, base: int, spare: int, long_s: float
) -> int:
    """How many slots a worker should have that has `slots` now: one more than `base` for each run that takes long.

    At most `spare` more, and never more than now while one is free. `started` are the times (unix s) at which the
    runs began; None: not yet.
    """
    runs = list(started)
    long = sum(began is not None and now_s - began > long_s for began in runs)
    wanted = base + min(long, spare)
    return wanted if len(runs) >= slots else min(wanted, slots)


class Autoscale(bootsteps.StartStopStep):
    """Look often at how long the runs have taken; add slots for those that hang, and take them back afterwards.

    Processes that were added stay until the worker ends, without bars while there is no slot for them: an idle one
    costs a few MB, while Celery's way to end one may hit it just when it was given a bar, which would count as that
    bar's failure.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only in workers that run bars."""
        return role_of(parent.app.amqp.queues.consume_from) in LANE_ROLES

    def start(self, parent: Any) -> None:
        """Begin to look. After a reconnect, the consumer has its first slots again, and the looks begin again too."""
        # Celery collects garbage before each fork: 0.15 s of a standing event loop, but for what is frozen.
        gc.freeze()
        self.slots: int = parent.controller.concurrency
        self.timer = parent.timer.call_repeatedly(LOOK_S, self.look, (parent,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Look no more."""
        self.timer.cancel()

    def look(self, parent: Any) -> None:
        """Add or take back what is wanted. Runs in the event loop, as Celery's own command to grow a pool does."""
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
        # Messages that the worker takes before it is done with others: with prefetch 1 these are its slots.
        if wanted > self.slots:
            parent.qos.increment_eventually(wanted - self.slots)
        elif wanted < self.slots:
            parent.qos.decrement_eventually(self.slots - wanted)
        self.slots = wanted
