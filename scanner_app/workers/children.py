"""Look after a worker's child processes: notice the dead at once, and end those that hang.

Celery leaves gaps here. When a child dies, its parent is woken before the system knows the exit status; it then finds
nobody dead and looks again only five seconds later. A message that was given to a frozen child is under no time limit,
since those begin when the child accepts it. And time limits are forgotten when the connection to the broker is lost.
"""

# ruff: noqa: SLF001 - Celery and billiard offer no other way to the children and to the messages that these have

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import structlog
from billiard import pool as billiard_pool
from celery import bootsteps
from celery.concurrency import prefork

log = structlog.get_logger(__name__)

LOOK_S = 0.25
"""Seconds between two looks: as long as a death may go unnoticed."""

ACCEPT_S = 10.0
"""A child that has a message and has not begun with it for so long is frozen. An idle child needs a millisecond."""

OVERDUE_S = 5.0
"""A run that goes on for so long beyond its hard limit was forgotten by Celery, which needs 0.1 s to end it."""

LAST_LOOKS = 20
"""How often a child that ends looks whether its parent has read all its results, 0.1 s apart. billiard's 300 are 30 s,
and after a loss of the broker the parent may never count one that it has dropped. What is lost is delivered again."""


def end_soon() -> None:
    """Have children that end wait for their parent no longer than LAST_LOOKS. Call it before the pool forks."""
    billiard_pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = LAST_LOOKS


def has_children(pool: Any) -> bool:
    """Whether this pool of Celery runs tasks in child processes. Threads and `solo` have none."""
    return isinstance(pool, prefork.TaskPool)


def replace_dead(pool: Any, hub: Any) -> None:
    """Replace children that died before the event loop ran, at a start or at a reconnect. `pool`: Celery's TaskPool.

    Only what Celery sets up with the event loop gives a dead child's pipes free. A child that died before the first one
    had its successor look for pipes, find none and end the worker with StopIteration.
    """
    processes = pool._pool
    if processes.on_process_down is None:
        processes._create_process_handlers(hub)
    pool.maintain_pool()


def some_live(pool: Any) -> bool:
    """Whether a child lives. Celery asks at a start, and by its own measure one death ends the worker."""
    return any(child.exitcode is None for child in pool._pool._pool)


class ChildrenStep(bootsteps.StartStopStep):
    """Look after the children of the pool."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Not in pools without child processes."""
        return has_children(parent.pool)

    def start(self, parent: Any) -> None:
        """Begin to look; also after a reconnect."""
        self._given_s: dict[int, float] = {}  # by job: when (monotonic s) it was first seen given to a child
        self.timer = parent.timer.call_repeatedly(LOOK_S, self.look, (parent.pool,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Stop looking."""
        self.timer.cancel()

    def look(self, pool: Any) -> None:
        """Replace dead children, whose runs are then reported, and kill those that hang. Runs in the event loop."""
        processes = pool._pool
        if any(child.exitcode is not None for child in processes._pool):
            pool.maintain_pool()
        jobs = [job for job in tuple(processes._cache.values()) if not job.ready()]
        for pid, reason in self.hung(jobs, time.monotonic()):
            log.error("child_killed", child=pid, reason=reason)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def hung(self, jobs: Iterable[Any], now_s: float) -> list[tuple[int, str]]:
        """The children that hang, each with the reason. `now_s` is time.monotonic()."""
        found, given_s = [], {}
        for job in jobs:
            if job._accepted:
                limit_s = job._timeout
                if limit_s and now_s - job._time_accepted > limit_s + OVERDUE_S:
                    found.append((job._worker_pid, f"its run goes on beyond the hard limit of {limit_s:g} s"))
            elif child := job._write_to or job._scheduled_for:
                given_s[job._job] = self._given_s.get(job._job, now_s)
                if now_s - given_s[job._job] > ACCEPT_S:
                    found.append((child.pid, f"it has not begun with its message for {ACCEPT_S:g} s"))
        self._given_s = given_s
        return found
