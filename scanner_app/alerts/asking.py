"""Ask the notify worker to deliver: after the commit, one try, never an error. Beat asks every 10 s anyway."""

import os
from functools import lru_cache

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool

log = structlog.get_logger(__name__)

TASK = "scanner.deliver"
QUEUE = "notify"

SOCKET_TIMEOUT_S = 1.0
"""Longest that asking waits for the broker: it is a worker of bars that asks."""

EXPIRES_S = 60
"""Asked for in vain for so long, it is worth nothing: beat has asked again and again."""


def ask_after_commit() -> None:
    """Ask once the transaction at hand is committed; at once without one."""
    # A lambda, since a partial that fails there makes Django 5.2 skip the other callbacks.
    transaction.on_commit(lambda: ask(), robust=True)  # noqa: PLW0108 - found when called, so that tests can replace it


def ask() -> bool:
    """Publish the task; False: the broker did not take it."""
    try:
        with _producers(os.getpid()).acquire(block=True, timeout=SOCKET_TIMEOUT_S) as producer:
            current_app.send_task(
                TASK, queue=QUEUE, expires=EXPIRES_S, producer=producer, retry=False, ignore_result=True
            )
    except (OperationalError, OSError) as exc:
        log.warning("delivery_not_asked_for", error=str(exc))
        return False
    return True


@lru_cache(maxsize=1)
def _producers(pid: int) -> ProducerPool:  # noqa: ARG001 - a child must not share its parent's sockets
    connection = current_app.connection_for_write(
        transport_options={
            "socket_timeout": SOCKET_TIMEOUT_S,
            "socket_connect_timeout": SOCKET_TIMEOUT_S,
            "max_retries": 0,  # kombu would try again after 2 and 4 s, whatever the timeouts
        }
    )
    return ProducerPool(connection.Pool(limit=1), limit=1)
