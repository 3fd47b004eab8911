"""Triggering a delivery, with a real broker and a dead one."""

import json
import time
from collections.abc import Iterator

import pytest
import redis
from celery import current_app

from scanner_app.messaging import producer
from scanner_app.notifications import trigger
from tests.servers import RedisServer

TRIGGER = trigger.trigger_delivery  # as it is, before the tests' fixture replaces it


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    monkeypatch.setattr(current_app.conf, "broker_url", f"redis+socket://{server.socket}")
    monkeypatch.setattr(current_app.conf, "broker_write_url", f"redis+socket://{server.socket}")
    producer.producers.cache_clear()
    yield server
    server.stop()
    producer.producers.cache_clear()


def test_the_notify_worker_finds_the_task_on_its_queue(server):
    server.start()

    assert TRIGGER() is True

    (message,) = redis.Redis(unix_socket_path=str(server.socket)).lrange("notify", 0, -1)
    assert json.loads(message)["headers"]["task"] == "scanner.deliver"


def test_a_dead_broker_raises_nothing_costs_no_time_and_the_next_trigger_works_again(server):
    began = time.monotonic()

    assert TRIGGER() is False
    assert time.monotonic() - began < 1.5  # kombu by itself tries again after 2 and 4 s

    server.start()
    assert TRIGGER() is True
