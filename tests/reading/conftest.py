"""A made-up broker: the test decides where messages are."""

from dataclasses import dataclass, field

import pytest
import redis

from scanner_app.messaging import heartbeats, queue_contents
from scanner_app.messaging.heartbeats import Heartbeat
from tests.scraping import growth, quiet_broker, scrape

__all__ = ["growth", "quiet_broker", "scrape"]


@dataclass
class Broker:
    """What is in the queues, and what the workers' heartbeats say."""

    queued: set[str] = field(default_factory=set)  # identities
    held: set[str] = field(default_factory=set)
    lanes: list[str] = field(default_factory=lambda: ["main"])
    away: bool = False
    asked: list[str] = field(default_factory=list)  # queues


@pytest.fixture
def broker(monkeypatch) -> Broker:
    """The broker of the test."""
    broker = Broker()

    def queued(queues):
        if broker.away:
            raise redis.ConnectionError("nobody there")
        broker.asked += queues
        return broker.queued

    def read_all():
        if broker.away:
            raise redis.ConnectionError("nobody there")
        return {f"{lane}@host": Heartbeat(role=lane, held=tuple(sorted(broker.held))) for lane in broker.lanes}

    monkeypatch.setattr(queue_contents, "queued", queued)
    monkeypatch.setattr(heartbeats, "read_all", read_all)
    return broker
