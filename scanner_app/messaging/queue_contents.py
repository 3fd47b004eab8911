"""The messages that wait in the queues, read without taking them."""

import json
from collections.abc import Iterable

import structlog

from scanner_app.messaging.messages import identity
from scanner_app.messaging.redis_client import client

log = structlog.get_logger(__name__)


def queued(queues: Iterable[str]) -> dict[str, str]:
    """The deliveries that wait in these queues: the queue of each, by identity. Raises RedisError."""
    names = list(queues)
    pipeline = client().pipeline(transaction=False)
    for name in names:
        pipeline.lrange(name, 0, -1)
    return {
        known: name
        for name, messages in zip(names, pipeline.execute(), strict=True)
        for message in messages
        if (known := _identity(message))
    }


def _identity(message: bytes) -> str | None:
    """A message's identity; None for a foreign message, which must not stop the sweep."""
    try:
        headers = json.loads(message)["headers"]
        return identity(headers["id"], headers.get("retries") or 0)
    except (ValueError, KeyError, TypeError):
        log.warning("foreign_message", message=message[:200])
        return None


def depths(queues: Iterable[str]) -> dict[str, int]:
    """How many messages wait in each of these queues, or names on each of these ready lists. Raises RedisError."""
    names = list(queues)
    pipeline = client().pipeline(transaction=False)
    for name in names:
        pipeline.llen(name)
    return dict(zip(names, pipeline.execute(), strict=True))
