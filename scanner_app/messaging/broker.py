"""The Redis server beside Celery's own use of it: tells, queue contents, the sweeper's memory."""

import json
import math
import os
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from scanner_app.mailbox.messages import identity

log = structlog.get_logger(__name__)

TIMEOUT_S = 2.0
"""Longest wait for an answer: who asks has something better to do than to hang with the broker."""

TELL_KEY = "scanner:tell:"
TELLS_MISSED = 3
"""A worker that has missed so many tells is taken for dead."""

DEAF_AFTER_S = 10.0
"""A message that lies for so long beside a worker's free slots is not heard."""

UNQUEUED_KEY = "scanner:unqueued"
OUTAGE_KEY = "scanner:outage:"
SWEPT_KEY = "scanner:swept"

WATCHED_KEY = "scanner:watched"
WATCHED_TTL_S = 3_600
"""How long it is remembered when the alert rules were evaluated last."""

MEMORY_S = 60
"""How long a sweep and what the next one has to know of it are remembered, at the least."""

SWEEP_PATIENCE_S = 15
"""Seconds since the last sweep after which nobody sweeps: they come every two. At the least, as above."""


def memory_s() -> int:
    """How long (s) it is remembered: ten sweeps, so that no setting lets one forget what the last one saw."""
    return max(MEMORY_S, math.ceil(10 * settings.SCANNER_SWEEP_S))


def sweep_patience_s() -> float:
    """Seconds since the last sweep after which nobody sweeps: three were missed."""
    return max(SWEEP_PATIENCE_S, 3 * float(settings.SCANNER_SWEEP_S))


def client() -> "redis.Redis":
    """This process's client: short timeouts, no retries of its own."""
    return _client(os.getpid(), settings.REDIS_URL)


@lru_cache(maxsize=1)
def _client(pid: int, url: str) -> "redis.Redis":  # noqa: ARG001 - a child must not share its parent's sockets
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


def tell(worker: str, lane: str, held: Iterable[str], *, lying_s: float) -> None:
    """Say which deliveries a worker holds, and how long one lies unheard; forgotten after some missed tells.

    Also which shard it consumes, and how far its clock is from the broker's: what all processes can compare with.
    """
    told = {
        "at": time.time(),
        "lane": lane,
        "shard": f"{settings.SCANNER_SHARD}/{settings.SCANNER_SHARDS}",
        "lying_s": round(lying_s, 1),
        "clock_s": round(clock_s(), 3),
        "held": sorted(held),
    }
    client().set(TELL_KEY + worker, json.dumps(told), px=int(TELLS_MISSED * settings.SCANNER_TELL_S * 1000))


def clock_s() -> float:
    """How far this process's clock is ahead of the broker's, in seconds; right to half of the answer's time."""
    asked = time.time()
    seconds, microseconds = client().time()
    return (asked + time.time()) / 2 - (seconds + microseconds / 1_000_000)


def tells() -> dict[str, dict[str, Any]]:
    """What the living workers told last, by worker's name."""
    keys = list(client().scan_iter(match=TELL_KEY + "*", count=1000))
    values = client().mget(keys) if keys else []
    return {
        key.decode().removeprefix(TELL_KEY): json.loads(value)
        for key, value in zip(keys, values, strict=True)
        if value is not None  # it expired between the two questions
    }


def is_deaf(told: Mapping[str, Any]) -> bool:
    """Whether a worker that told this lives, but hears nothing."""
    return float(told.get("lying_s", 0)) >= DEAF_AFTER_S


def queued(queues: Iterable[str]) -> set[str]:
    """The identities of the deliveries that lie in these queues."""
    pipeline = client().pipeline(transaction=False)
    for queue in queues:
        pipeline.lrange(queue, 0, -1)
    return {name for messages in pipeline.execute() for message in messages if (name := _identity(message))}


def _identity(message: bytes) -> str | None:
    """A message's identity; None for what is no message of ours, which must not stop the sweep of all."""
    try:
        headers = json.loads(message)["headers"]
        return identity(headers["id"], headers.get("retries") or 0)
    except (ValueError, KeyError, TypeError):
        log.warning("foreign_message", message=message[:200])
        return None


def oldest(queues: Iterable[str]) -> dict[str, str]:
    """The identity of the oldest delivery in each of these queues that is not empty."""
    names = list(queues)
    pipeline = client().pipeline(transaction=False)
    for name in names:
        pipeline.lindex(name, -1)
    return {
        name: known
        for name, message in zip(names, pipeline.execute(), strict=True)
        if message is not None and (known := _identity(message))
    }


def mark_outage(delivery: str) -> None:
    """Count a run that ended with an outage of our own, so that the sweeper counts no loss, and many are an alert."""
    try:
        pipeline = client().pipeline()
        pipeline.incr(OUTAGE_KEY + delivery)
        pipeline.expire(OUTAGE_KEY + delivery, memory_s())
        pipeline.execute()
    except redis.RedisError as exc:  # with the broker away nothing is published again, and so nothing counted
        log.warning("outage_not_marked", delivery=delivery, error=str(exc))


def outages() -> set[str]:
    """The deliveries that mark_outage remembers."""
    return set(outage_counts())


def outage_counts() -> dict[str, int]:
    """How many runs in a row of a delivery ended with an outage of our own, each within a minute of the one before."""
    keys = list(client().scan_iter(match=OUTAGE_KEY + "*", count=1000))
    values = client().mget(keys) if keys else []
    return {
        key.decode().removeprefix(OUTAGE_KEY): int(value)
        for key, value in zip(keys, values, strict=True)
        if value is not None
    }


def unqueued_since() -> dict[str, float]:
    """The sweeper's memory: since when (unix s) which delivery has been in no queue."""
    kept = client().get(UNQUEUED_KEY)
    return json.loads(kept) if kept else {}


def remember_sweep(unqueued: dict[str, float]) -> None:
    """Keep the sweeper's memory and its sign of life for some sweeps."""
    client().set(UNQUEUED_KEY, json.dumps(unqueued), ex=memory_s())
    client().set(SWEPT_KEY, time.time(), ex=memory_s())


def last_sweep() -> float | None:
    """When the sweeper ran last (unix s); None if that is longer ago than it is remembered."""
    swept = client().get(SWEPT_KEY)
    return float(swept) if swept else None


def depth(queues: Iterable[str]) -> int:
    """How many messages lie in these queues together."""
    pipeline = client().pipeline(transaction=False)
    for queue in queues:
        pipeline.llen(queue)
    return sum(pipeline.execute())


def remember_watch() -> None:
    """The evaluation's sign of life, for those who can't ask the database."""
    client().set(WATCHED_KEY, time.time(), ex=WATCHED_TTL_S)


def last_watch() -> float | None:
    """When the alert rules were evaluated last (unix s); None if that is more than an hour ago."""
    watched = client().get(WATCHED_KEY)
    return float(watched) if watched else None
