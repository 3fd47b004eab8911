"""The messages that wait in the queues, read without taking them."""

import json
from collections.abc import Iterable

import structlog

from scanner_app.messaging.messages import identity
from scanner_app.messaging.redis_client import client

log = structlog.get_logger(__name__)


def queued(queues: Iterable[str]) -> set[str]:
    """The identities of the deliveries that wait in these queues."""
    pipeline = client().pipeline(transaction=False)
    for queue in queues:
        pipeline.lrange(queue, 0, -1)
    return {name for messages in pipeline.execute() for message in messages if (name := _identity(message))}


def _identity(message: bytes) -> str | None:
    """A message's identity; None for a foreign message, which must not stop the sweep."""
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


def depth(queues: Iterable[str]) -> int:
    """How many messages wait in these queues together."""
    pipeline = client().pipeline(transaction=False)
    for queue in queues:
        pipeline.llen(queue)
    return sum(pipeline.execute())
