"""Gauges and counters on one page, in the requested format."""

from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from scanner_app.reading.metrics.gauges import StateCollector
from scanner_app.telemetry import counters


def render(accept: str, now: datetime) -> tuple[bytes, str]:
    """The whole page and its content type, for a request with this Accept header."""
    registry = CollectorRegistry()
    registry.register(StateCollector(now))
    if counters.SHARED:
        MultiProcessCollector(registry, str(counters.FOLDER))  # type: ignore[no-untyped-call] # some types only
    else:
        registry.register(counters.REGISTRY)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
