"""End a worker that lives but no longer takes messages (a deaf worker), so that its process manager restarts it.

Workers have been seen deaf after reconnects to the broker, above all with queues that were added at run time. A worker
is deaf when a message has waited for 10 s in a queue that it should consume, while it had free slots. Waiting behind
other messages does not count: if a thousand messages wait and a hundred a second are taken, each waits ten seconds.
The watchdog is a thread of its own, so that it still runs when the event loop hangs.
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
"""A message is passed over once the worker has taken more than so many others for each message that waited with it.

Three: one because the worker takes from its queues in turn; one because as many new messages may come into queues
whose turn is earlier; and one because adding a queue makes the worker begin again with its first queue.
"""

LONGEST_S = 60.0
SLOWEST = 10.0
"""A message is also passed over once it has waited for LONGEST_S seconds; or, if many wait, for as long as a worker
needs that takes SLOWEST of them a second.

Without this limit, a few messages from other queues could keep a worker alive for hours that is deaf to one queue.
"""


@dataclass(slots=True)
class _Waiting:
    """A message that waits in a queue."""

    since_s: float
    taken: int  # messages that the worker had taken when this one was first seen
    beside: int = 0  # most messages that were seen waiting at one moment, this one included


class WaitingMessages:
    """For how long the messages in the queues have been waiting unconsumed, as seen by repeated looks at the queues."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._taken = 0
        self._taken_s = -math.inf  # when that number was last seen to have changed

    def busy(self, now_s: float) -> None:
        """Note that the worker has new queues. For each, it takes no message for some ms; there may be thousands."""
        self._taken_s = now_s

    def look(self, oldest: Mapping[str, str], now_s: float, *, taken: int) -> float:
        """The longest time (s) that one of these messages, the oldest of each queue, has been unconsumed.

        `taken` is how many messages the worker has taken since it started. The time in which it takes others, whose
        turn it may be, does not count, unless the message was passed over (see TURNS and LONGEST_S): then all of its
        waiting time counts.
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
    """The longest time (s) that a message has waited while this worker had free slots; 0 while it takes messages."""
    return _longest_s


class Watchdog(bootsteps.StartStopStep):
    """Look at the queues every SCANNER_HEARTBEAT_S; end the worker once it is deaf."""

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
        global _longest_s  # noqa: PLW0603 - there is one worker in a process, and its heartbeat reads this
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
        # SIGTERM lets the runs finish, if the worker still reacts. If it does not, it is ended anyway.
        time.sleep(settings.SCANNER_HARD_LIMIT_S + 5)
        os._exit(1)
