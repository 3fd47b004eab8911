"""Have a worker consume the queues of all symbols of its lane and shard, also of those added while it runs."""

import zlib
from typing import Any

import structlog
from celery import bootsteps
from celery.worker.control import control_command
from django.conf import settings
from django.db import connection

from scanner_app.domain.enums import Lane
from scanner_app.domain.worker_roles import LANE_ROLES, Role, role_of
from scanner_app.messaging import queue_names
from scanner_app.messaging.task_names import FOLLOW_QUEUES
from scanner_app.models import Symbol

log = structlog.get_logger(__name__)

FOLLOW_S = 1.0
"""Seconds between two reads of the list of symbols: the queue of a new one is consumed after about that time."""


def shard_of(ticker: str, shards: int) -> int:
    """The shard, from 0, that a ticker belongs to: the same in every process, unlike hash()."""
    return zlib.crc32(ticker.encode()) % shards


def wanted_queues(lane: str) -> set[str]:
    """The symbols' queues that a worker of this lane and of this process's shard should consume."""
    symbols = Symbol.objects.filter(deleted_at=None)
    if lane == Lane.SLOW:
        symbols = symbols.filter(status__lane=Lane.SLOW)
    return {
        queue_names.queue_name(ticker, lane)
        for ticker in symbols.values_list("ticker", flat=True)
        if shard_of(ticker, settings.SCANNER_SHARDS) == settings.SCANNER_SHARD
    }


def follow(parent: Any) -> None:
    """Start to consume new queues, and stop with those of deleted symbols. Runs in the event loop: never raises."""
    consumed = set(parent.app.amqp.queues.consume_from)
    lane = role_of(consumed)
    if lane not in LANE_ROLES:
        return
    try:
        wanted = wanted_queues(lane)
        for queue in wanted - consumed:
            parent.add_task_queue(queue)
        # A slow worker keeps its queues until it stops: a last message may come after the symbol has left the lane.
        for queue in consumed - wanted - {lane} if lane == Role.MAIN else ():
            parent.cancel_task_queue(queue)
    except Exception:
        log.exception("follow_queues_failed", lane=lane)
    finally:
        connection.close()  # children are forked from this process, and must not share its connection


@control_command(name=FOLLOW_QUEUES)
def follow_queues(state: Any) -> dict[str, str]:
    """Follow at once: a symbol has just been added, or moved to another lane."""
    follow(state.consumer)
    return {"ok": "followed"}


class FollowQueues(bootsteps.StartStopStep):
    """Follow the list of symbols."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def include_if(self, parent: Any) -> bool:
        """Only in workers that run bars."""
        return role_of(parent.app.amqp.queues.consume_from) in LANE_ROLES

    def start(self, parent: Any) -> None:
        """Follow at once, then every second."""
        follow(parent)
        self.timer = parent.timer.call_repeatedly(FOLLOW_S, follow, (parent,))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Stop following."""
        self.timer.cancel()
