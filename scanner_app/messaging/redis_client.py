"""Our own connections to the Redis server. Celery keeps others."""

import os
from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

READ_TIMEOUT_S = 2.0
"""Longest wait for an answer: a broker that hangs must not block the caller."""


def client(timeout_s: float = READ_TIMEOUT_S) -> "redis.Redis":
    """This process's client: short timeouts, no retries of its own."""
    return _client(os.getpid(), settings.REDIS_URL, timeout_s)


def values_under(prefix: str) -> dict[str, bytes]:
    """The values of all keys with this beginning, by the rest of the key. Raises RedisError."""
    keys = list(client().scan_iter(match=prefix + "*", count=1000))
    values = client().mget(keys) if keys else []
    return {
        key.decode().removeprefix(prefix): value
        for key, value in zip(keys, values, strict=True)
        if isinstance(value, bytes)  # else it expired after its key was read
    }


@lru_cache(maxsize=2)
def _client(pid: int, url: str, timeout_s: float) -> "redis.Redis":  # noqa: ARG001 - a child must not share its parent's sockets
    return redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )


def forget() -> None:
    """Drop this process's clients, so that the next use connects to the broker of the settings. For tests."""
    _client.cache_clear()
