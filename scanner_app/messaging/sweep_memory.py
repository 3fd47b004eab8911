"""What the sweeper and the evaluation of the alert rules keep in Redis from one run to the next."""

import json
import math
import time

import redis
import structlog
from django.conf import settings

from scanner_app.messaging.redis_client import client

log = structlog.get_logger(__name__)


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


def remember_evaluation() -> None:
    """The evaluation's sign of life, for those who can't ask the database."""
    client().set(WATCHED_KEY, time.time(), ex=WATCHED_TTL_S)


def last_evaluation() -> float | None:
    """When the alert rules were evaluated last (unix s); None if that is more than an hour ago."""
    watched = client().get(WATCHED_KEY)
    return float(watched) if watched else None
