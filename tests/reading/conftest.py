"""A broker that says what a test wants: where messages are is asked of it alone."""

from dataclasses import dataclass, field

import pytest
import redis

from scanner_app.messaging import heartbeats, queue_contents
from scanner_app.messaging.heartbeats import Heartbeat
from tests.scraping import growth, quiet_broker, scrape

__all__ = ["growth", "quiet_broker", "scrape"]


@dataclass
class Broker:
    """What lies in queues and what workers told."""

    queued: set[str] = field(default_factory=set)  # identities
    held: set[str] = field(default_factory=set)
    lanes: list[str] = field(default_factory=lambda: ["main"])
    away: bool = False
    asked: list[str] = field(default_factory=list)  # queues


@pytest.fixture
def told(monkeypatch) -> Broker:
    """The broker of the test."""
    said = Broker()

    def queued(queues):
        if said.away:
            raise redis.ConnectionError("nobody there")
        said.asked += queues
        return said.queued

    def tells():
        if said.away:
            raise redis.ConnectionError("nobody there")
        return {f"{lane}@host": Heartbeat(role=lane, held=tuple(sorted(said.held))) for lane in said.lanes}

    monkeypatch.setattr(queue_contents, "queued", queued)
    monkeypatch.setattr(heartbeats, "read_all", tells)
    return said
