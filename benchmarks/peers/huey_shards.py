"""Huey on Redis: a queue per shard of the symbols, and a consumer with a single worker for each.

Huey's task lock refuses a task that finds it held, which loses its place, so order is had as its documentation has it:
several Huey instances for several queues, and one worker each, which takes its tasks one after the other. A symbol
belongs to the shard that its name hashes to.

Not guaranteed
- Anything after a kill: a task is taken out of the queue before it runs, and what ran is gone.
- Order of retries: a task that is to be retried goes to the schedule, and everything of its symbol overtakes it.
- Isolation: a slow symbol holds all symbols of its shard. A shard whose consumer is down stands still.
"""

import zlib
from collections.abc import Sequence
from typing import Any

from huey import RedisHuey

from benchmarks.peers import job

RETRY: dict[str, Any] = {"retries": len(job.DELAYS_S), "retry_delay": 1, "retry_backoff": 2, "timeout": job.LIMIT_S}
"""1, 2, 4, 8, 16 and 32 s."""

# By name: the consumer takes its dotted path.
shard_0 = RedisHuey("bars0", url=job.redis_url())
shard_1 = RedisHuey("bars1", url=job.redis_url())
shard_2 = RedisHuey("bars2", url=job.redis_url())
shard_3 = RedisHuey("bars3", url=job.redis_url())


def process(message: dict[str, Any], task: Any = None) -> None:
    """One bar."""
    job.process(job.Bar.of(message), attempt=1 + len(job.DELAYS_S) - task.retries)


tasks = [shard.task(name="process", context=True, **RETRY)(process) for shard in (shard_0, shard_1, shard_2, shard_3)]


def send(bars: Sequence[job.Bar]) -> None:
    """Publish bars in this order."""
    for bar in bars:
        tasks[zlib.crc32(bar.symbol.encode()) % len(tasks)](bar.message)
