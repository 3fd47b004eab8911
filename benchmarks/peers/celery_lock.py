"""Celery, one queue, a Redis lock per symbol.

As its documentation has it: a lock so that one task at a time is at work (task cookbook), redis-py's own with an
expiry beyond the time limit; `acks_late` and `reject_on_worker_lost` so that a killed bar comes back; prefetch 1.
A bar that meets its symbol's lock waits for it a moment, since most are free within milliseconds, and is retried
later if that was not enough.

Not guaranteed
- Order. The lock keeps two bars of a symbol from running at the same time, it does not say which is next: of two that
  wait either gets it, and one that is put off is overtaken by everything behind it, so all retries lose their place.
- Once. A worker that dies between the commit and the acknowledgement has the bar run again.
- Every bar. On Redis a message is taken from its queue by one command and noted as unacknowledged by a later one; a
  worker that is killed between them loses it.
- Progress after a kill: the lock stays until it expires, the message until the visibility timeout.
- Isolation: a bar that waits for a lock holds a slot.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis
from celery import Celery
from redis.exceptions import LockError

from benchmarks.peers import job

LOCK_S = job.LIMIT_S + 5
"""A lock must outlive the run that it guards."""

BUSY_WAIT_S = 0.2
"""For the lock, in a slot: a run takes a few ms."""

BUSY_RETRY_S = 0.1
"""Until a bar that did not get it tries again."""

VISIBILITY_S = 60
"""Longer than the longest delay and a run; the broker gives an unacknowledged bar out again after it."""

app = Celery("bars", broker=f"redis+socket://{job.redis_socket()}")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_time_limit=job.LIMIT_S,
    worker_prefetch_multiplier=1,
    # Without the last two Redis is asked for lost messages each 100 s.
    broker_transport_options={
        "visibility_timeout": VISIBILITY_S,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
    },
)
locks = redis.Redis(unix_socket_path=job.redis_socket())


@app.task(bind=True, name="bars.process", max_retries=None)
def process(self: Any, message: dict[str, Any], failures: int = 0) -> None:
    """One bar. Its failures are counted apart from Celery's retries, some of which only waited for the lock."""
    bar = job.Bar.of(message)
    lock = locks.lock(f"symbol:{bar.symbol}", timeout=LOCK_S, sleep=0.005, blocking_timeout=BUSY_WAIT_S)
    if not lock.acquire():
        raise self.retry(countdown=BUSY_RETRY_S)
    try:
        job.process(bar, attempt=failures + 1)
    except Exception as exc:
        if failures == len(job.DELAYS_S):
            raise
        raise self.retry(args=(message, failures + 1), countdown=job.DELAYS_S[failures], exc=exc) from exc
    finally:
        with suppress(LockError):  # expired meanwhile
            lock.release()


def send(bars: Sequence[job.Bar]) -> None:
    """Publish bars in this order."""
    for bar in bars:
        process.delay(bar.message)
