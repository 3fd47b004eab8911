"""What the sweeper, the evaluation of the alert rules and runs that met an outage keep in Redis for the next time."""

import json
import math
import time
from collections.abc import Iterable

import redis
import structlog
from django.conf import settings

from scanner_app.messaging.redis_client import client, values_under

log = structlog.get_logger(__name__)

UNQUEUED_KEY = "scanner:unqueued"
"""Since when each delivery has been in no queue, as JSON."""

UNNAMED_KEY = "scanner:unnamed"
"""The deliveries whose queue no ready list named, as JSON."""

EMPTIED_KEY = "scanner:emptied"
"""The deliveries that were in no queue when a sweep found the broker emptied, as JSON."""

OUTAGE_KEY = "scanner:outage:"
"""Before a delivery's identity: how many of its runs in a row ended with an outage."""

UNSTORED_KEY = "scanner:unstored"
"""The identity of the last delivery of which more than one run in a row ended with an outage."""

UNSTORED_TTL_S = 15
"""How long that is remembered: longer than the sweeper takes to bring the delivery back for its next run."""

SWEPT_KEY = "scanner:swept"
"""When the sweeper ran last (unix s)."""

WATCHED_KEY = "scanner:watched"
"""When the alert rules were evaluated last (unix s)."""

WATCHED_TTL_S = 3_600
"""How long the time of the last evaluation of the alert rules is kept."""

MEMORY_S = 60
"""The least time for which a sweep's results are kept for the next sweep."""

SWEEP_PATIENCE_S = 15
"""The least time since the last sweep after which the sweeper counts as stopped; by default it runs every 2 s."""


def memory_s() -> int:
    """How long (s) a sweep's results are kept: ten sweeps, so that the next sweep finds them whatever the setting."""
    return max(MEMORY_S, math.ceil(10 * settings.SCANNER_SWEEP_S))


def sweep_patience_s() -> float:
    """Seconds since the last sweep after which the sweeper counts as stopped: three sweeps were missed."""
    return max(SWEEP_PATIENCE_S, 3 * float(settings.SCANNER_SWEEP_S))


def mark_outage(delivery: str) -> None:
    """Count a run that an outage ended. The sweeper then counts no loss, and many in a row raise an alert."""
    try:
        pipeline = client().pipeline()
        pipeline.incr(OUTAGE_KEY + delivery)
        pipeline.expire(OUTAGE_KEY + delivery, memory_s())
        count, _ = pipeline.execute()
        if count > 1:
            client().set(UNSTORED_KEY, delivery, ex=UNSTORED_TTL_S)
    except redis.RedisError as exc:  # while the broker is away, the sweeper publishes nothing, so it counts no loss
        log.warning("outage_not_marked", delivery=delivery, error=str(exc))


def unstored() -> str:
    """The identity of a delivery of which two or more runs in a row have just ended with an outage; empty: none."""
    kept = client().get(UNSTORED_KEY)
    return str(kept, "utf-8") if isinstance(kept, bytes) else ""


def outages() -> set[str]:
    """The deliveries that mark_outage remembers."""
    return set(outage_counts())


def outage_counts() -> dict[str, int]:
    """How many runs in a row of each delivery ended with an outage, each within memory_s() after the one before."""
    return {delivery: int(count) for delivery, count in values_under(OUTAGE_KEY).items()}


def unqueued_since() -> dict[str, float]:
    """Since when (unix s) each delivery has been in no queue, as the last sweep saw it."""
    kept = client().get(UNQUEUED_KEY)
    return json.loads(kept) if kept else {}


def unnamed() -> set[str]:
    """The deliveries that the last sweep saw in a queue that no ready list named."""
    kept = client().get(UNNAMED_KEY)
    return set(json.loads(kept)) if kept else set()


def emptied() -> set[str] | None:
    """The deliveries that the broker lost when it was emptied, as the last sweep saw it; None: no sweep has seen it.

    None means that the broker was emptied since the last sweep, or that this was longer ago than memory_s().
    """
    kept = client().get(EMPTIED_KEY)
    return set(json.loads(kept)) if kept else None


def remember_sweep(unqueued: dict[str, float], *, unnamed: Iterable[str] = (), emptied: Iterable[str] = ()) -> None:
    """Keep what the sweep saw, and when it ran, for some sweeps."""
    client().set(UNQUEUED_KEY, json.dumps(unqueued), ex=memory_s())
    client().set(UNNAMED_KEY, json.dumps(list(unnamed)), ex=memory_s())
    client().set(EMPTIED_KEY, json.dumps(list(emptied)), ex=memory_s())
    client().set(SWEPT_KEY, time.time(), ex=memory_s())


def last_sweep() -> float | None:
    """When the sweeper ran last (unix s); None if that is longer ago than memory_s()."""
    swept = client().get(SWEPT_KEY)
    return float(swept) if swept else None


def remember_evaluation() -> None:
    """Keep the time of this evaluation, for processes that can't ask the database."""
    client().set(WATCHED_KEY, time.time(), ex=WATCHED_TTL_S)


def last_evaluation() -> float | None:
    """When the alert rules were evaluated last (unix s); None if that is more than an hour ago."""
    watched = client().get(WATCHED_KEY)
    return float(watched) if watched else None
