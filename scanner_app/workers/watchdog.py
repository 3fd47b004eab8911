"""End a worker that is alive but deaf, so that its process manager starts it anew.

Workers have been seen alive, but consuming nothing, after broker reconnects, above all with queues added at
run time. A worker is deaf when a message has lain for 10 s in a queue that it should consume while it has free
slots, unless it is only that others are before it: with a thousand symbols' messages waiting, and a hundred taken a
second, each waits its ten seconds. This looks from a thread of its own: a dead event loop must not take its watchdog
with it.
"""

import math
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import celery.worker.state as worker_state
import structlog
from celery import bootsteps
from django.conf import settings
from redis.exceptions import RedisError

from scanner_app.messaging import broker
from scanner_app.messaging.broker import DEAF_AFTER_S

log = structlog.get_logger(__name__)

TURNS = 3
"""Messages that may be taken before one that lies, for each that was seen lying with it. One is what taking from the
queues in turn costs; as many again may come into queues that are before it; the turns begin anew with a new queue."""

LONGEST_S = 60.0
SLOWEST = 10.0
"""Whatever else a worker takes, a message that lies for longer is unheard: a minute, or with many beside it as long as
a worker needs for them that takes so few a second. Else a worker that is deaf to one queue could be kept alive for
hours by a trickle from the others."""


@dataclass(slots=True)
class _Lain:
    """A message that lies."""

    since_s: float
    taken: int  # by the worker, when it was first seen
    beside: int = 0  # messages that lay at one moment, itself included: the most that were seen


class Lying:
    """How long which message has lain unheard in a queue, seen by looks at some moments."""

    def __init__(self) -> None:
        self._lain: dict[tuple[str, str], _Lain] = {}
        self._taken = 0
        self._taken_s = -math.inf  # when that was last seen to have changed

    def busy(self, now_s: float) -> None:
        """The worker is beginning with queues: some ms each, for which it takes nothing, and they may be thousands."""
        self._taken_s = now_s

    def look(self, oldest: Mapping[str, str], now_s: float, *, taken: int) -> float:
        """The longest time (s) that one of these oldest messages, by queue, has been unheard.

        `taken` is how many messages the worker has taken in its life. As long as it takes others, whose turn it may
        be, a message is not unheard; from its TURNS or its longest time on it is, for all the time that it has lain.
        """
        if taken != self._taken:
            self._taken, self._taken_s = taken, now_s
        self._lain = {item: self._lain.get(item) or _Lain(now_s, taken) for item in oldest.items()}
        for lain in self._lain.values():
            lain.beside = max(lain.beside, len(oldest))
        return max((now_s - self._unheard_since(lain, now_s) for lain in self._lain.values()), default=0.0)

    def _unheard_since(self, lain: _Lain, now_s: float) -> float:
        passed_over = self._taken - lain.taken > TURNS * lain.beside
        passed_over |= now_s - lain.since_s > max(LONGEST_S, lain.beside / SLOWEST)
        return lain.since_s if passed_over else max(lain.since_s, self._taken_s)


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
        lying, consumed = Lying(), 0
        while not stopped.wait(settings.SCANNER_TELL_S):
            queues = tuple(parent.app.amqp.queues.consume_from)
            if len(queues) != consumed:
                lying.busy(time.monotonic())
                consumed = len(queues)
            free_slots = parent.pool.num_processes - len(worker_state.active_requests)
            try:
                oldest = broker.oldest(queues) if free_slots > 0 else {}
            except RedisError as exc:
                log.warning("watchdog_blind", worker=parent.hostname, error=str(exc))
                oldest = {}
            _longest_s = lying.look(oldest, time.monotonic(), taken=worker_state.all_total_count[0])
            if _longest_s >= DEAF_AFTER_S:
                self._end(parent.hostname, oldest)

    def _end(self, worker: str, oldest: Mapping[str, str]) -> None:
        log.critical("worker_deaf", worker=worker, queues=",".join(sorted(oldest)[:20]), lying_s=_longest_s)
        os.kill(os.getpid(), signal.SIGTERM)
        # Warm, if it can: its runs may end. What is deaf may be dead, though.
        time.sleep(settings.SCANNER_HARD_LIMIT_S + 5)
        os._exit(1)
