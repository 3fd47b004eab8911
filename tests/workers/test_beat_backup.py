"""The upkeep worker asks for the evaluation when beat does not."""

from types import SimpleNamespace

import pytest
import redis

from scanner_app.messaging import producer, sweep_memory
from scanner_app.workers.beat_backup import BeatBackup, is_missed


def worker(*queues):
    return SimpleNamespace(
        app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=dict.fromkeys(queues))))
    )


@pytest.fixture
def sent(monkeypatch):
    taken = []
    monkeypatch.setattr(producer, "send", lambda task, **options: taken.append((task, options)))
    return taken


@pytest.mark.parametrize(
    ("watched", "missed"),
    [
        pytest.param(990.0, False, id="two periods ago"),
        pytest.param(989.9, True, id="longer ago"),
        pytest.param(None, True, id="not in an hour"),
        pytest.param(4600.0, True, id="in an hour: the clock was set back"),
    ],
)
def test_it_steps_in_when_two_evaluations_of_beat_were_missed(watched, missed):
    assert is_missed(watched, 1000.0, period_s=5) is missed


def test_it_asks_on_the_upkeep_queue_for_what_expires(sent, monkeypatch):
    monkeypatch.setattr(sweep_memory, "last_evaluation", lambda: None)

    BeatBackup(worker("upkeep")).look()

    assert sent == [("scanner.watch", {"queue": "upkeep", "kwargs": {"by": "beat_backup"}, "expires": 5})]


def test_while_beat_asks_it_is_still(sent, monkeypatch):
    import time

    monkeypatch.setattr(sweep_memory, "last_evaluation", time.time)

    BeatBackup(worker("upkeep")).look()

    assert sent == []


def test_a_broker_that_is_away_does_not_end_the_event_loop(sent, monkeypatch):
    def away():
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(sweep_memory, "last_evaluation", away)

    BeatBackup(worker("upkeep")).look()

    assert sent == []


@pytest.mark.parametrize(
    ("queues", "there"), [(("upkeep",), True), (("main", "symbol.TSLA"), False), (("notify",), False)]
)
def test_it_is_in_the_upkeep_worker_alone(queues, there):
    assert BeatBackup(worker(*queues)).include_if(worker(*queues)) is there
