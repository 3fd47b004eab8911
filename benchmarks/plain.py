"""Celery tasks to compare with: the engine alone, and the same result stored with no guarantee at all."""

from typing import Any

from celery import shared_task
from django.db import connection
from django.utils import timezone

from scanner_app.mailbox.statements import to_database
from scanner_app.messaging import producer

NOTHING_TASK = "benchmarks.nothing"
STORE_TASK = "benchmarks.store"

_STORE = """
    UPDATE scanner_app_bar SET status = 'processed', attempts = 1, finished_at = %s, latency_ms = 1, held = %s
     WHERE id = %s
"""


@shared_task(name=NOTHING_TASK)
def nothing(*_args: Any, **_options: Any) -> None:
    """The ceiling: what Celery needs to deliver a message, run a task and acknowledge it."""


@shared_task(name=STORE_TASK)
def store(_symbol_id: int, bar_id: int, _epoch: int, **_options: Any) -> None:
    """Store a bar's result in one statement, in whatever order, as often as it is delivered."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [to_database(timezone.now()), False, bar_id])


def publish(task: str, ticker: str, number: int) -> None:
    """A message that looks like a head's, on the symbol's queue."""
    producer.send(
        task,
        args=(1, number, 0),
        kwargs={"deferrals": 0},
        task_id=f"{ticker}-{number}-e0",
        queue=f"symbol.{ticker}",
        argsrepr=f"{ticker} 1s 2026-01-01T00:00:00Z #{number} attempt 1",
        kwargsrepr="",
    )
