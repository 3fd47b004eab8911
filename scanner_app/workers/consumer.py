"""Celery's consumer, which lives through the loss of its broker."""

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
