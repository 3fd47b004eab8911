"""Celery's consumer, changed in two ways: it survives the loss of its broker, and it sends its events in batches."""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from celery.worker import consumer as celery_consumer

from scanner_app.workers import children

log = structlog.get_logger(__name__)

EVENTS_S = 0.05
"""How long an event may wait, so that it is sent together with others. Celery's own consumer sends events at each turn
of its loop, two or three at a time, which takes a quarter of the parent process's time."""


class Consumer(celery_consumer.Consumer):
    """Connects again where Celery's own consumer would end the worker.

    Celery 5.7.0 drops the transport in collect() and then fails in close(): the worker would end with
    "'NoneType' object has no attribute 'hostname'". What is skipped here is only the prefetch reduction.
    """

    hub: Any  # celery-types lacks it
    _events_due = False

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Log the loss and let the consumer connect again."""
        self._send_events()  # that fails; Celery keeps the events and sends them after the reconnect
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            log.warning("broker_lost", worker=self.hostname, exc_info=True)

    def on_send_event_buffered(self) -> None:  # type: ignore[override] # the stubs take it for a property
        """Send the events of a moment together."""
        if self.hub and not self._events_due:
            self._events_due = True
            self.hub.call_later(EVENTS_S, self._send_events)

    def _send_events(self) -> None:
        self._events_due = False
        self._flush_events()  # type: ignore[attr-defined] # as above

    def shutdown(self) -> None:
        """Send the last events, since no timer runs after this."""
        self._send_events()
        super().shutdown()

    def loop_args(self) -> Any:
        """Replace dead children before the event loop begins again, and forget the timer for events.

        A child that was killed just before the broker was lost would be registered with the event loop, which would
        end the worker with "file descriptor is None". One that dies a moment later is replaced in the event loop.
        """
        if children.has_children(self.pool):
            children.replace_dead(self.pool, self.hub)
            self.pool.did_start_ok = partial(children.some_live, self.pool)
        self._events_due = False  # the timer may have been cancelled while connecting
        return super().loop_args()

    def call_soon_ack(self, p: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Acknowledge in the event loop, where the loss of a message's own connection must not end the worker.

        If the broker goes away during a run, its message is acknowledged on a connection that no longer exists, which
        raises the same AttributeError. The broker delivers the message again; by then it is stale and does nothing.
        """

        def guarded(*late: Any, **options: Any) -> Any:
            try:
                return p(*late, **options)
            except AttributeError:
                log.warning("ack_lost", worker=self.hostname)
                return None

        return super().call_soon_ack(guarded, *args, **kwargs)  # type: ignore[misc] # celery-types lacks it
