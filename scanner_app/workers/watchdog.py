"""End a worker that is alive but deaf, so that its process manager starts it anew.

Workers have been seen alive, but consuming nothing, after broker reconnects, above all with queues added at
run time. A worker is deaf when a message has lain for 10 s in a queue that it should consume while it has free
slots. This looks from a thread of its own: a dead event loop must not take its watchdog with it.
"""

import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

import celery.worker.state as worker_state
import structlog
from celery import bootsteps
from django.conf import settings
from redis.exceptions import RedisError

from scanner_app import broker
from scanner_app.broker import DEAF_AFTER_S

log = structlog.get_logger(__name__)


class Lying:
    """How long which message has lain in a queue, seen by looks at some moments."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}

    def look(self, oldest: Mapping[str, str], now_s: float) -> float:
        """The longest time (s) that one of these oldest messages, by queue, has been seen lying."""
        self._since = {item: self._since.get(item, now_s) for item in oldest.items()}
        return max((now_s - since for since in self._since.values()), default=0.0)


_longest_s = 0.0


def lying_s() -> float:
    """The longest time (s) that a message lies unheard by this worker; 0 for a worker that hears."""
    return _longest_s


class Watchdog(bootsteps.StartStopStep):
    """Look every two seconds; end the worker once it is deaf."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopped = threading.Event()

    def start(self, parent: Any) -> None:
        """Begin to look. After a reconnect of the consumer the looks begin anew."""
        self._stopped.set()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, args=(parent, self._stopped), name="watchdog", daemon=True).start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Look no more: the worker stops, or its connection is made anew."""
        self._stopped.set()

    def _watch(self, parent: Any, stopped: threading.Event) -> None:
        global _longest_s  # noqa: PLW0603 - one worker a process, and this is what it tells
        lying = Lying()
        while not stopped.wait(settings.SCANNER_TELL_S):
            free_slots = parent.pool.num_processes - len(worker_state.active_requests)
            try:
                oldest = broker.oldest(tuple(parent.app.amqp.queues.consume_from)) if free_slots > 0 else {}
            except RedisError as exc:
                log.warning("watchdog_blind", worker=parent.hostname, error=str(exc))
                oldest = {}
            _longest_s = lying.look(oldest, time.monotonic())
            if _longest_s >= DEAF_AFTER_S:
                self._end(parent.hostname, oldest)

    def _end(self, worker: str, oldest: Mapping[str, str]) -> None:
        log.critical("worker_deaf", worker=worker, queues=",".join(sorted(oldest)[:20]), lying_s=_longest_s)
        os.kill(os.getpid(), signal.SIGTERM)
        # Warm, if it can: its runs may end. What is deaf may be dead, though.
        time.sleep(settings.SCANNER_HARD_LIMIT_S + 5)
        os._exit(1)
