"""More processes while runs hang, so that hung symbols do not take all of a worker's slots from the others.

A hung run holds its slot until the soft limit, and as many as there are slots would hold everybody for so long.
So while runs take long, the worker has as many processes more, up to a bound.
"""

import gc
import time
from collections.abc import Iterable
from typing import Any

import celery.worker.state as worker_state
import structlog
from celery import bootsteps
from django.conf import settings

from scanner_app.workers.roles import LANES, role

log = structlog.get_logger(__name__)

LOOK_S = 0.25
"""Seconds between two looks: with LONG_RUN_S, the longest that hung runs hold the others."""

LONG_RUN_S = 0.3
"""A run that takes longer holds its slot against the others. All detectors that ship take a few ms."""


def wanted_processes(started: Iterable[float | None], now_s: float, *, base: int, spare: int, long_s: float) -> int:
    """How many processes a worker should have: `base`, and one more for each run that takes long, at most `spare` more.

    `started` are the times (unix s) at which the runs began; None: not yet.
    """
    long = sum(began is not None and now_s - began > long_s for began in started)
    return base + min(long, spare)


def look(parent: Any) -> None:
    """Add what is wanted. Runs in the event loop, as Celery's own command to grow a pool does."""
    wanted = wanted_processes(
        [request.time_start for request in tuple(worker_state.active_requests)],
        time.time(),
        base=parent.controller.concurrency,
        spare=settings.SCANNER_SPARE_PROCESSES,
        long_s=LONG_RUN_S,
    )
    more = wanted - parent.pool.num_processes
    if more <= 0:
        return
    log.warning("processes_added", worker=parent.hostname, more=more, processes=wanted)
    parent.pool.grow(more)
    parent._update_prefetch_count(more)  # noqa: SLF001 - as celery.worker.control.pool_grow does
    parent.pool.maintain_pool()


class SpareProcesses(bootsteps.StartStopStep):
    """Look often at how long the runs have taken, and add processes for those that hang.

    They stay until the worker ends: an idle one costs a few MB, while Celery's way to take one back may hit it just
    when it was given a bar, which would count as that bar's failure.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only in workers that run bars."""
        return role(parent.app.amqp.queues.consume_from) in LANES

    def start(self, parent: Any) -> None:
        """Begin to look; after a reconnect of the consumer, go on."""
        # Celery collects garbage before each fork: 0.15 s of a standing event loop, but for what is frozen.
        gc.freeze()
        self.timer = parent.timer.call_repeatedly(LOOK_S, look, (parent,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Look no more."""
        self.timer.cancel()
