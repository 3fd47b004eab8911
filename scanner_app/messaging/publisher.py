"""Publish heads' messages on their symbols' queues, after the commit: one try, and never an error for the caller.

A broker that is down, hangs or was emptied costs time, never a bar: the sweeper publishes again.
"""

import dataclasses
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import structlog
from django.db import transaction

from scanner_app.domain.worker_roles import Role
from scanner_app.messaging import envelopes, producer, task_names
from scanner_app.messaging.messages import Message
from scanner_app.messaging.queue_names import queue_name

log = structlog.get_logger(__name__)

PAUSE_AFTER_FAILURE_S = 2.0
"""After a failed publish this process leaves publishing to the sweeper for so long. Otherwise a dead broker would cost
every symbol of a chunk, and every bar, its own timeout."""

_paused_until = 0.0  # by the monotonic clock

Delivery = tuple[Message, str, datetime | None]
"""A message, its lane, and when the worker may run it (aware; None: now)."""


def publish_after_commit(message: Message, *, lane: str, due: datetime | None = None) -> None:
    """Publish once the current transaction is committed; at once without one.

    `due` (aware) is when the worker may run it; None: now.
    """
    # robust: the state is committed; after a failed publish the sweeper publishes again.
    # A lambda, since a partial that fails there makes Django 5.2 skip the other callbacks.
    transaction.on_commit(lambda: publish([(message, lane, due)]), robust=True)


def publish(deliveries: Iterable[Delivery]) -> int:
    """Publish with one try and in one round trip. Returns how many the broker took for certain: all or none."""
    global _paused_until  # noqa: PLW0603 - one broker for one process, and its state is one number
    listed = list(deliveries)
    if not listed or time.monotonic() < _paused_until:
        return 0
    try:
        _send(listed)
    except producer.UNREACHABLE as exc:
        _paused_until = time.monotonic() + PAUSE_AFTER_FAILURE_S
        log.warning("publish_failed", **listed[0][0].logged, messages=len(listed), error=str(exc))
        return 0
    return len(listed)


def _send(deliveries: Sequence[Delivery]) -> None:
    now = datetime.now(UTC)
    messages, events = [], []
    for message, lane, due in deliveries:
        # With an ETA, even one in the past, the worker would first put the message on its timer.
        eta = due if due is not None and due > now else None
        task = task_names.CONTROL_RUN if message.control else task_names.PROCESS_HEAD
        queue = queue_name(message.ticker, lane)
        messages.append((queue, envelopes.of_task(message, task, queue, eta)))
        events.append(envelopes.of_sent_event(message, task, queue, eta))
    producer.push(messages, events, channel=envelopes.EVENT_CHANNEL)


def publish_killed_run(message: Message, reason: str, began: float | None = None) -> None:
    """Report a killed run to the upkeep worker. If the broker loses the report, the sweeper finds the head.

    `began`: when the run did (unix s), if it did.
    """
    try:
        producer.send(
            task_names.BAR_DIED,
            kwargs={"message": dataclasses.asdict(message), "reason": reason, "began": began},
            queue=Role.UPKEEP.value,
            argsrepr=f"{message}: {reason}",
            kwargsrepr="",
        )
    except producer.UNREACHABLE as exc:
        log.warning("publish_failed", **message.logged, error=str(exc))


def publish_killed_task(task: str, task_id: str, error: str) -> None:
    """Have the upkeep worker note that a task was killed with its process. If the broker loses that, the log has it."""
    try:
        producer.send(
            task_names.TASK_DIED,
            kwargs={"task": task, "error": error},
            queue=Role.UPKEEP.value,
            argsrepr=f"{task} {task_id}: {error}",
            kwargsrepr="",
        )
    except producer.UNREACHABLE as exc:
        log.warning("publish_failed", task=task, error=str(exc))


def publish_removal_after_commit(symbol_id: int) -> None:
    """Trigger the removal of a deleted symbol's rows after the commit. Beat triggers it anyway."""
    transaction.on_commit(lambda: publish_removal(symbol_id), robust=True)


def publish_removal(symbol_id: int) -> bool:
    """Trigger the removal of a deleted symbol's rows, with one try. Returns whether the broker took the message."""
    global _paused_until  # noqa: PLW0603 - as above
    if time.monotonic() < _paused_until:
        return False
    try:
        producer.send(task_names.REMOVE_SYMBOL, args=(symbol_id,), queue=Role.UPKEEP.value)
    except producer.UNREACHABLE as exc:
        _paused_until = time.monotonic() + PAUSE_AFTER_FAILURE_S
        log.warning("publish_failed", removal_of=symbol_id, error=str(exc))
        return False
    return True


def publish_sweep(*, expires_s: float) -> None:
    """Trigger one sweep now. It expires after `expires_s`, when beat's own sweep has come."""
    try:
        producer.send(task_names.SWEEP, queue=Role.UPKEEP.value, expires=expires_s)
    except producer.UNREACHABLE as exc:
        log.warning("publish_failed", error=str(exc))
