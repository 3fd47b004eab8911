"""RQ, each bar depending on the one before it of its symbol; a queue and a worker per shard of the symbols.

As its documentation has it: `depends_on` for order, `Retry` with intervals, workers with the scheduler that retries
need. A dependent job waits while the one before it is being retried, so a failing bar keeps its place. One worker a
queue, since several get into each other's way: in RQ 3.0.0 a worker that loses a race while it enqueues a dependent job
leaves it to maintenance (measured: four workers on one queue did 149 of 2,000 bars in two minutes). SimpleWorker,
because the default one forks for every job and would open a connection each time. Maintenance, which brings back what a
dead worker had, runs each 10 s instead of each 10 minutes, and a worker's time to live is 25 s instead of seven
minutes, since an idle worker waits for its queue for nearly so long before it looks at anything else.

Not guaranteed
- Once: a worker that dies between commit and the job's end in Redis has the bar run again.
- The chain. It is kept in Redis alone, job by job: a link that is lost (a result that has expired before its successor
  came, a bar whose retries are used up) stops its symbol, with no one to notice.
- Progress after a kill: what a worker had is found after the time limit and a minute.
- Isolation: a slow symbol holds all symbols of its shard.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import redis
from rq import Queue, Retry, get_current_job

from benchmarks.peers import job


def process(message: dict[str, Any]) -> None:
    """One bar."""
    left = get_current_job().retries_left or 0
    job.process(job.Bar.of(message), attempt=1 + len(job.DELAYS_S) - left)


_queues: list[Queue] = []


def send(bars: Sequence[job.Bar]) -> None:
    """Publish bars in this order."""
    if not _queues:
        connection = redis.Redis(unix_socket_path=job.redis_socket())
        _queues.extend(Queue(f"bars{number}", connection=connection) for number in range(job.SLOTS))
    for bar in bars:
        _queues[zlib.crc32(bar.symbol.encode()) % len(_queues)].enqueue(
            process,
            bar.message,
            job_id=f"{bar.symbol}-{bar.number}",
            depends_on=f"{bar.symbol}-{bar.number - 1}" if bar.number > 1 else None,
            retry=Retry(max=len(job.DELAYS_S), interval=list(job.DELAYS_S)),
            job_timeout=job.LIMIT_S,
        )
