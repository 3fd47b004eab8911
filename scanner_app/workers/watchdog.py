"""End a worker that lives but no longer takes messages (a deaf worker), so that its process manager restarts it.

Workers have been seen deaf after reconnects to the broker, above all with queues that were added at run time. A worker
is deaf when a message has waited for 10 s in a queue that it should consume while it has free slots, unless other
messages were only taken before it: with a thousand symbols' messages waiting and a hundred taken a second, each waits
its ten seconds. The watchdog is a thread of its own, so that a dead event loop does not stop it too.
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

from scanner_app.domain.worker_health import DEAF_AFTER_S
from scanner_app.messaging import queue_contents

log = structlog.get_logger(__name__)

TURNS = 3
"""Messages that may be taken before a waiting one, for each that was seen waiting with it. One is what taking from the
queues in turn costs; as many again may come into queues that are before it; the turns begin again with a new queue."""

LONGEST_S = 60.0
SLOWEST = 10.0
"""Whatever else a worker takes, a message that waits for longer is unconsumed: a minute, or with many beside it as long
as a worker needs for them that takes SLOWEST a second. Without this a worker that is deaf to one queue could be kept
alive for hours by a trickle from the others."""


@dataclass(slots=True)
class _Waiting:
    """A message that waits in a queue."""

    since_s: float
    taken: int  # messages that the worker had taken when this one was first seen
    beside: int = 0  # messages that waited at one moment, itself included: the most that were seen


class WaitingMessages:
    """How long which message has waited unconsumed in a queue, seen by looks at some moments."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._taken = 0
        self._taken_s = -math.inf  # when that was last seen to have changed

    def busy(self, now_s: float) -> None:
        """The worker begins with new queues: some ms each, for which it takes nothing, and they may be thousands."""
        self._taken_s = now_s

    def look(self, oldest: Mapping[str, str], now_s: float, *, taken: int) -> float:
        """The longest time (s) that one of these oldest messages, by queue, has been unconsumed.

        `taken` is how many messages the worker has taken in its life. As long as it takes others, whose turn it may
        be, a message is not unconsumed. After its TURNS or its longest time it is, for all the time that it has waited.
        """
        if taken != self._taken:
            self._taken, self._taken_s = taken, now_s
        self._waiting = {item: self._waiting.get(item) or _Waiting(now_s, taken) for item in oldest.items()}
        for message in self._waiting.values():
            message.beside = max(message.beside, len(oldest))
        return max((now_s - self._unconsumed_since(one, now_s) for one in self._waiting.values()), default=0.0)

    def _unconsumed_since(self, message: _Waiting, now_s: float) -> float:
        passed_over = self._taken - message.taken > TURNS * message.beside
        passed_over |= now_s - message.since_s > max(LONGEST_S, message.beside / SLOWEST)
        return message.since_s if passed_over else max(message.since_s, self._taken_s)


_longest_s = 0.0


def unconsumed_s() -> float:
    """The longest time (s) that a message has waited beside this worker's free slots; 0 while it takes messages."""
    return _longest_s


class Watchdog(bootsteps.StartStopStep):
    """Look every two seconds; end the worker once it is deaf."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopped = threading.Event()

    def start(self, parent: Any) -> None:
        """Begin to look. After a reconnect of the consumer the looks begin again."""
        self._stopped.set()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, args=(parent, self._stopped), name="watchdog", daemon=True).start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Look no more: the worker stops, or its connection is made again."""
        self._stopped.set()

    def _watch(self, parent: Any, stopped: threading.Event) -> None:
        global _longest_s  # noqa: PLW0603 - one worker a process, and this is what its heartbeat says
        waiting, consumed = WaitingMessages(), 0
        while not stopped.wait(settings.SCANNER_HEARTBEAT_S):
            queues = tuple(parent.app.amqp.queues.consume_from)
            if len(queues) != consumed:
                waiting.busy(time.monotonic())
                consumed = len(queues)
            free_slots = parent.pool.num_processes - len(worker_state.active_requests)
            try:
                oldest = queue_contents.oldest(queues) if free_slots > 0 else {}
            except RedisError as exc:
                log.warning("watchdog_blind", worker=parent.hostname, error=str(exc))
                oldest = {}
            _longest_s = waiting.look(oldest, time.monotonic(), taken=worker_state.all_total_count[0])
            if _longest_s >= DEAF_AFTER_S:
                self._end(parent.hostname, oldest)

    def _end(self, worker: str, oldest: Mapping[str, str]) -> None:
        log.critical("worker_deaf", worker=worker, queues=",".join(sorted(oldest)[:20]), unconsumed_s=_longest_s)
        os.kill(os.getpid(), signal.SIGTERM)
        # A warm stop, if it can: its runs may end. A deaf worker may be dead, though.
        time.sleep(settings.SCANNER_HARD_LIMIT_S + 5)
        os._exit(1)
