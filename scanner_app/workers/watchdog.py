"""End a worker that lives but no longer takes messages (a deaf worker), so that its process manager restarts it.

Workers have been seen deaf after reconnects to the broker. A worker asks the broker for a message and hears about
every second that there is none, or what it is. So a worker that has free slots, but has had no answer for 10 s while
the broker answers others, is deaf. How long a message waits says nothing about one worker of several.
The watchdog is a thread of its own, so that it still runs when the event loop hangs.
"""

import os
import signal
import threading
import time
from typing import Any

import celery.worker.state as worker_state
import structlog
from celery import bootsteps
from django.conf import settings
from redis.exceptions import RedisError

from scanner_app.domain.worker_health import DEAF_AFTER_S
from scanner_app.messaging import redis_client, transport

log = structlog.get_logger(__name__)

PAUSE_S = 5.0
"""A look that comes so much later than its time: the process itself was stopped, as by a pause of its machine."""


class Waiting:
    """For how long a worker that could take a message has had no answer, as seen by repeated looks."""

    def __init__(self, now_s: float, *, every_s: float) -> None:
        """`every_s`: seconds between two looks."""
        self._since_s = now_s  # it could take messages since then; before that, no answer was to be expected
        self._due_s = now_s + every_s  # when the next look is due
        self._every_s = every_s

    def look(self, now_s: float, *, could_take: bool, answered_s: float) -> float:
        """How long (s) it has had no answer. `could_take`: it has a free slot, and the broker answers others.

        `answered_s` is the time of the last answer. All times are of one monotonic clock.
        """
        was_stopped = now_s - self._due_s > PAUSE_S  # so it has not read the answers that came meanwhile
        self._due_s = now_s + self._every_s
        if not could_take or was_stopped:
            self._since_s = now_s
        return max(0.0, now_s - max(self._since_s, answered_s))


_unanswered_s = 0.0


def unanswered_s() -> float:
    """How long (s) this worker's wait for messages has had no answer while it had free slots."""
    return _unanswered_s


class Watchdog(bootsteps.StartStopStep):
    """Look every SCANNER_HEARTBEAT_S when the broker last answered; end the worker once it is deaf."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopped = threading.Event()

    def start(self, parent: Any) -> None:
        """Begin to look; also after a reconnect of the consumer."""
        self._stopped.set()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, args=(parent, self._stopped), name="watchdog", daemon=True).start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Stop looking: the worker stops, or it connects to the broker again."""
        self._stopped.set()

    def _watch(self, parent: Any, stopped: threading.Event) -> None:
        global _unanswered_s  # noqa: PLW0603 - there is one worker in a process, and its heartbeat reads this
        waiting = Waiting(time.monotonic(), every_s=settings.SCANNER_HEARTBEAT_S)
        while not stopped.wait(settings.SCANNER_HEARTBEAT_S):
            # Of its own slots: those that are added while runs hang are not there for long. A message that a frozen
            # child has not begun with occupies a slot too; children.py ends such a child.
            could_take = parent.controller.concurrency > len(worker_state.reserved_requests) and _broker_answers(parent)
            _unanswered_s = waiting.look(time.monotonic(), could_take=could_take, answered_s=transport.last_answer_s())
            if _unanswered_s >= DEAF_AFTER_S:
                self._end(parent.hostname)

    def _end(self, worker: str) -> None:
        log.critical("worker_deaf", worker=worker, unanswered_s=round(_unanswered_s, 1))
        os.kill(os.getpid(), signal.SIGTERM)
        # SIGTERM lets the runs finish, if the worker still reacts. If it does not, it is ended anyway.
        time.sleep(settings.SCANNER_HARD_LIMIT_S + 5)
        os._exit(1)


def _broker_answers(parent: Any) -> bool:
    try:
        redis_client.client().ping()
    except RedisError as exc:
        log.warning("watchdog_blind", worker=parent.hostname, error=str(exc))
        return False
    return True
