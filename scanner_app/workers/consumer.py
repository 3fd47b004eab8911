"""Celery's consumer, which lives through the loss of its broker."""

from collections.abc import Callable
from typing import Any

import structlog
from celery.worker import consumer as celery_consumer

log = structlog.get_logger(__name__)


class Consumer(celery_consumer.Consumer):
    """Connects anew where Celery's own would end the worker.

    Celery 5.7.0 drops the transport in collect() and then fails in close(): the worker would end with
    "'NoneType' object has no attribute 'hostname'". What is skipped here is only the prefetch reduction.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Log the loss and let the consumer connect anew."""
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            log.warning("broker_lost", worker=self.hostname, exc_info=True)

    def loop_args(self) -> Any:
        """Have dead children replaced before the event loop begins anew.

        It would register a child that was killed just before the broker was lost, and end the worker with
        "file descriptor is None".
        """
        self.pool.maintain_pool()
        return super().loop_args()

    def call_soon_ack(self, p: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Acknowledge in the event loop, where the loss of a message's own connection must not end the worker.

        A run that was under way when the broker went away is acknowledged on the connection that is gone, with
        the same AttributeError. The broker delivers the message again; by then it is superseded.
        """

        def guarded(*late: Any, **options: Any) -> Any:
            try:
                return p(*late, **options)
            except AttributeError:
                log.warning("ack_lost", worker=self.hostname)
                return None

        return super().call_soon_ack(guarded, *args, **kwargs)  # type: ignore[misc] # celery-types lacks it
