"""A worker that is ready publishes a sweep, to a real Redis server."""

import json

from celery.signals import worker_ready

import scanner_project.celery  # noqa: F401 - its receivers
from scanner_app.messaging import task_names


def test_a_worker_that_is_ready_asks_for_one_sweep_that_does_not_outlive_beats_next(broker_server, settings):
    worker_ready.send(sender=None)

    (message,) = broker_server.lrange("upkeep", 0, -1)
    headers = json.loads(message)["headers"]
    assert headers["task"] == task_names.SWEEP == settings.CELERY_BEAT_SCHEDULE["sweep"]["task"]
    assert headers["expires"] is not None


def test_a_worker_that_is_ready_before_the_broker_starts_all_the_same(broker_server, tmp_path):
    broker_server.shutdown(nosave=True)

    worker_ready.send(sender=None)
