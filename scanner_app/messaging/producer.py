"""Send tasks to the broker from any process: one try, with short timeouts.

A broker that is down or hangs must delay neither an ingest call nor a bar. The caller decides what to do about a
message that was not sent.
"""

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from celery import current_app
from django.conf import settings
from kombu.exceptions import BatchPublishError, LimitExceeded, OperationalError  # type: ignore[attr-defined] # stubs
from kombu.pools import ProducerPool
from redis.exceptions import RedisError

from scanner_app.messaging import redis_client
from scanner_app.messaging.queue_names import ready_list_of

TIMEOUT_S = 1.0
"""Longest wait for the broker, and for a connection of this process that is in use."""

UNREACHABLE: tuple[type[Exception], ...] = (OperationalError, OSError, LimitExceeded, RedisError, BatchPublishError)
"""Errors that mean: the broker did not take the message."""


def send(task: str, **options: Any) -> None:
    """Send a task by name with Celery's options. Raises UNREACHABLE."""
    # A batch sends the message and Flower's event in one round trip.
    with producers(os.getpid()).acquire(block=True, timeout=TIMEOUT_S) as producer, producer.batch():  # type: ignore[attr-defined]
        current_app.send_task(task, producer=producer, retry=False, ignore_result=True, **options)


def push(messages: Iterable[tuple[str, bytes]], events: Iterable[bytes], *, channel: str) -> None:
    """Put messages on their symbols' queues and publish events, all in one round trip. Raises UNREACHABLE.

    Both are in the broker's format (envelopes.py). `channel` is the channel for the events; "{database}" in it stands
    for the number of the Redis database. A message and its queue's name on the ready list come together or not at all.
    """
    client = redis_client.client(TIMEOUT_S)
    channel = channel.format(database=client.connection_pool.connection_kwargs.get("db", 0))
    with client.pipeline(transaction=True) as pipeline:
        for queue, message in messages:
            pipeline.lpush(queue, message)
            if (listed := ready_list_of(queue)) is not None:
                pipeline.lpush(listed, queue)
        for event in events:
            pipeline.publish(channel, event)
        pipeline.execute()


@lru_cache(maxsize=1)
def producers(pid: int) -> ProducerPool:  # noqa: ARG001 - a child must not share its parent's sockets
    """This process's connections for sending."""
    connection = current_app.connection_for_write(
        transport_options={
            "socket_timeout": TIMEOUT_S,
            "socket_connect_timeout": TIMEOUT_S,
            "max_retries": 0,  # kombu would try again after 2 and 4 s, whatever the timeouts
        }
    )
    limit = settings.SCANNER_PUBLISH_CONNECTIONS
    return ProducerPool(connection.Pool(limit=limit), limit=limit)


def forget() -> None:
    """Drop this process's connections, so that the next use connects to the broker of the settings. For tests."""
    producers.cache_clear()
    redis_client.forget()
