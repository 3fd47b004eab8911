"""Beat's schedule: by a clock that nobody sets."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from celery import Celery
from celery.schedules import crontab
from django.utils import timezone
from kombu.exceptions import OperationalError

from scanner_app.telemetry import pulse
from scanner_app.workers import schedule


@pytest.fixture
def clock(monkeypatch):
    """The clock that nobody sets, and how far the clock on the wall is from the right time."""
    now = SimpleNamespace(s=5000.0, wall=timedelta(0))
    monkeypatch.setattr("scanner_app.workers.schedule.time.monotonic", lambda: now.s)
    monkeypatch.setattr(pulse, "_until_s", float("inf"))
    return now


@pytest.fixture
def sent():
    return []


@pytest.fixture
def beat(clock, sent, monkeypatch):
    app = Celery("test", set_as_current=False)
    monkeypatch.setattr(app, "now", lambda: timezone.now() + clock.wall)
    app.conf.beat_schedule = {
        "fast": {"task": "fast", "schedule": 2.0},
        "slow": {"task": "slow", "schedule": 10.0},
    }
    monkeypatch.setattr(schedule.Scheduler, "producer", object())
    monkeypatch.setattr(schedule.Scheduler, "apply_entry", lambda _, entry, **__: sent.append(entry.name))
    return schedule.Scheduler(app)


def run(beat, clock, seconds):
    end = clock.s + seconds
    while clock.s < end:
        clock.s += beat.tick() or 0.0001


def test_each_task_is_sent_at_its_interval(beat, clock, sent):
    run(beat, clock, 20.5)

    assert (sent.count("fast"), sent.count("slow")) == (10, 2)


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=-400)])
def test_a_clock_that_is_set_changes_nothing(beat, clock, sent, step):
    run(beat, clock, 9)
    del sent[:]

    clock.wall = step
    run(beat, clock, 20)

    assert sent.count("fast") in {9, 10, 11}
    assert sent.count("slow") == 2


def test_it_sleeps_for_seconds_at_most(beat, clock):
    beat.schedule.pop("fast")

    assert 0 < beat.tick() <= schedule.MOST_S


def test_a_broker_that_is_away_costs_a_round_and_no_task(beat, clock, sent, monkeypatch):
    def away(_):
        raise OperationalError("away")

    run(beat, clock, 3)
    del sent[:]
    with monkeypatch.context() as patched:
        patched.setattr(schedule.Scheduler, "producer", property(away))
        run(beat, clock, 60)
    assert sent == []

    run(beat, clock, 5)

    assert {"fast", "slow"} <= set(sent)


def test_each_round_shows_that_it_works(beat, clock):
    beat.tick()
    assert pulse.is_working()

    clock.s += schedule.WORKS_FOR_S + 1
    assert not pulse.is_working()


def test_a_time_of_day_is_celery_s(clock):
    entry = schedule.Entry(name="nightly", task="t", schedule=crontab("0", "4"), app=Celery("t", set_as_current=False))

    assert entry.is_due().next > 0
