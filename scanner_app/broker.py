"""The Redis server beside Celery's own use of it: tells, queue contents, the sweeper's memory."""

import json
import os
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from scanner_app.mailbox.messages import identity

TIMEOUT_S = 2.0
"""Longest wait for an answer: who asks has something better to do than to hang with the broker."""

TELL_KEY = "scanner:tell:"
TELL_TTL_S = 6
"""A worker that has not told anything for so long is taken for dead."""

DEAF_AFTER_S = 10.0
"""A message that lies for so long beside a worker's free slots is not heard."""

UNQUEUED_KEY = "scanner:unqueued"
SWEPT_KEY = "scanner:swept"


def client() -> "redis.Redis":
    """This process's client: short timeouts, no retries of its own."""
    return _client(os.getpid(), settings.REDIS_URL)


@lru_cache(maxsize=1)
def _client(pid: int, url: str) -> "redis.Redis":  # noqa: ARG001 - a child must not share its parent's sockets
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


def tell(worker: str, lane: str, held: Iterable[str], *, lying_s: float) -> None:
    """Say which deliveries a worker holds, and how long one lies unheard; forgotten after TELL_TTL_S."""
    told = {"at": time.time(), "lane": lane, "lying_s": round(lying_s, 1), "held": sorted(held)}
    client().set(TELL_KEY + worker, json.dumps(told), ex=TELL_TTL_S)


def tells() -> dict[str, dict[str, Any]]:
    """What the living workers told last, by worker's name."""
    keys = list(client().scan_iter(match=TELL_KEY + "*", count=1000))
    values = client().mget(keys) if keys else []
    return {
        key.decode().removeprefix(TELL_KEY): json.loads(value)
        for key, value in zip(keys, values, strict=True)
        if value is not None  # it expired between the two questions
    }


def queued(queues: Iterable[str]) -> set[str]:
    """The identities of the deliveries that lie in these queues."""
    pipeline = client().pipeline(transaction=False)
    for queue in queues:
        pipeline.lrange(queue, 0, -1)
    return {
        identity(headers["id"], headers.get("retries") or 0)
        for messages in pipeline.execute()
        for message in messages
        if (headers := json.loads(message)["headers"])
    }


def oldest(queues: Iterable[str]) -> dict[str, str]:
    """The identity of the oldest delivery in each of these queues that is not empty."""
    names = list(queues)
    pipeline = client().pipeline(transaction=False)
    for name in names:
        pipeline.lindex(name, -1)
    return {
        name: identity(headers["id"], headers.get("retries") or 0)
        for name, message in zip(names, pipeline.execute(), strict=True)
        if message is not None and (headers := json.loads(message)["headers"])
    }


def unqueued_since() -> dict[str, float]:
    """The sweeper's memory: since when (unix s) which delivery has been in no queue."""
    kept = client().get(UNQUEUED_KEY)
    return json.loads(kept) if kept else {}


def remember_sweep(unqueued: dict[str, float]) -> None:
    """Keep the sweeper's memory and its sign of life for a minute."""
    client().set(UNQUEUED_KEY, json.dumps(unqueued), ex=60)
    client().set(SWEPT_KEY, time.time(), ex=60)


def last_sweep() -> float | None:
    """When the sweeper ran last (unix s); None if that is more than a minute ago."""
    swept = client().get(SWEPT_KEY)
    return float(swept) if swept else None
