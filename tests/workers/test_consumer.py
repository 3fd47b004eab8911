"""When a worker sends its events. How it lives through the loss of its broker: tests/integration."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery.concurrency import solo, thread
from celery.worker import consumer as celery_consumer

from scanner_app.workers.autoscale import Autoscale
from scanner_app.workers.children import ChildrenStep
from scanner_app.workers.consumer import EVENTS_S, Consumer


class Sent:
    """A dispatcher that counts how often what it has is sent."""

    times = 0

    def flush(self) -> None:
        self.times += 1


@pytest.fixture
def consumer():
    """One that has a dispatcher and an event loop, and is in no worker."""
    one: Any = Consumer.__new__(Consumer)
    one.timers = []
    one.hub = SimpleNamespace(call_later=lambda seconds, act: one.timers.append((seconds, act)))
    one.event_dispatcher = Sent()
    one.pool = SimpleNamespace(maintain_pool=lambda: None, _pool=SimpleNamespace(on_process_down=print))
    return one


def test_the_events_of_a_moment_are_sent_together(consumer):
    for _ in range(5):
        consumer.on_send_event_buffered()
    ((seconds, send),) = consumer.timers
    sent_before = consumer.event_dispatcher.times
    send()

    assert (seconds, sent_before, consumer.event_dispatcher.times) == (EVENTS_S, 0, 1)
    consumer.on_send_event_buffered()
    assert len(consumer.timers) == 2


@pytest.mark.parametrize("ends", ["shutdown", "on_connection_error_after_connected"])
def test_what_waits_is_sent_before_its_timer_is_lost(consumer, monkeypatch, ends):
    order = []
    monkeypatch.setattr(consumer.event_dispatcher, "flush", lambda: order.append("sent"))
    monkeypatch.setattr(celery_consumer.Consumer, ends, lambda *_: order.append("ended"))
    consumer.on_send_event_buffered()

    getattr(consumer, ends)(*([] if ends == "shutdown" else [ConnectionError()]))

    assert order == ["sent", "ended"]


def test_after_a_loss_of_the_broker_a_new_timer_is_set(consumer, monkeypatch):
    monkeypatch.setattr(celery_consumer.Consumer, "loop_args", lambda _: ())
    consumer.on_send_event_buffered()

    consumer.loop_args()
    consumer.on_send_event_buffered()

    assert len(consumer.timers) == 2


@pytest.mark.parametrize("pool", [thread.TaskPool, solo.TaskPool])
def test_a_worker_without_child_processes_begins_too(consumer, monkeypatch, pool):
    monkeypatch.setattr(celery_consumer.Consumer, "loop_args", lambda _: ("begun",))
    consumer.pool = pool(2)

    assert consumer.loop_args() == ("begun",)
    for step in (ChildrenStep, Autoscale):
        assert not step.__new__(step).include_if(consumer)
