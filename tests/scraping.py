"""Read metrics as Prometheus does."""

from collections.abc import Callable
from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scanner_app.messaging import heartbeats, queue_contents, ready_lists, sweep_memory
from scanner_app.reading.metrics import page
from tests.conftest import T0

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Every sample of a page, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((name, frozenset(labels.items())))


def labels_of(text: str, name: str, label: str) -> list[str]:
    """The values that a label of a metric has, in the order of the page."""
    return [dict(labels)[label] for known, labels in samples(text) if known == name]


@pytest.fixture
def scrape(db: None, quiet_broker: None) -> Callable[..., str]:
    """The page at a moment."""
    return lambda now=T0, accept="": page.render(accept, now)[0].decode()


@pytest.fixture
def quiet_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker without workers and with empty queues."""
    monkeypatch.setattr(heartbeats, "read_all", dict)
    monkeypatch.setattr(sweep_memory, "last_sweep", lambda: None)
    monkeypatch.setattr(queue_contents, "depths", lambda queues: dict.fromkeys(queues, 0))
    monkeypatch.setattr(ready_lists, "depths", dict)


@pytest.fixture
def growth(scrape: Callable[..., str]) -> Callable[..., float]:
    """How much a counter has grown since the test began: the tests of one run count in one folder."""
    before = samples(scrape())

    def grown(name: str, *, now: datetime = T0, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return samples(scrape(now)).get(key, 0) - before.get(key, 0)

    return grown
