"""Dramatiq on Redis, with its rate limiter of one as a mutex per symbol.

As its documentation has it: a `ConcurrentRateLimiter` with a limit of 1 is a distributed mutex, messages are
acknowledged after the run, a failing actor is retried after a delay by the Retries middleware. A bar that meets a
mutex waits for it a moment and is retried later if that was not enough. Dead workers are looked for with one command in
ten: by default it is one in a thousand, which means minutes in a quiet hour.

Not guaranteed
- Order: which of the waiting bars gets the mutex is chance, a bar that is put off is overtaken, and so are all retries;
  what a dead worker had fetched is put at the end of the queue.
- Once: a worker that dies between commit and acknowledgement has the bar run again.
- Progress after a kill: the mutex stays until it expires, the messages until the worker's heartbeat is a minute old.
- Isolation: a bar that waits for a mutex holds a thread.
"""

import time
from collections.abc import Sequence
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend

from benchmarks.peers import job

MUTEX_MS = (job.LIMIT_S + 5) * 1000
"""A mutex must outlive the run that it guards."""

BUSY_WAITS = 40
"""Looks at a mutex that is held, PAUSE_S apart: 0.2 s, where a run takes a few ms."""

PAUSE_S = 0.005

BUSY_RETRY_MS = 100
"""Until a bar that did not get it tries again."""

broker = RedisBroker(url=job.redis_url(), maintenance_chance=100_000)
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)
mutexes = RedisBackend(url=job.redis_url())


class Busy(dramatiq.Retry):
    """The symbol's mutex is held: no failure of the bar."""


def _again(retries: int, exception: BaseException) -> bool:
    return isinstance(exception, Busy) or retries < len(job.DELAYS_S)


@dramatiq.actor(queue_name="bars", retry_when=_again, time_limit=job.LIMIT_S * 1000)
def process(message: dict[str, Any]) -> None:
    """One bar."""
    bar = job.Bar.of(message)
    mutex = ConcurrentRateLimiter(mutexes, f"symbol:{bar.symbol}", limit=1, ttl=MUTEX_MS)
    for _ in range(BUSY_WAITS):
        with mutex.acquire(raise_on_failure=False) as mine:
            if mine:
                return _run(bar)
        time.sleep(PAUSE_S)
    raise Busy(f"{bar.symbol} is being processed", delay=BUSY_RETRY_MS)


def _run(bar: job.Bar) -> None:
    retries = CurrentMessage.get_current_message().options.get("retries", 0)
    try:
        job.process(bar, attempt=retries + 1)
    except Exception as exc:
        delay_s = job.DELAYS_S[min(retries, len(job.DELAYS_S) - 1)]
        raise dramatiq.Retry(str(exc), delay=delay_s * 1000) from exc


def send(bars: Sequence[job.Bar]) -> None:
    """Publish bars in this order."""
    for bar in bars:
        process.send(bar.message)
