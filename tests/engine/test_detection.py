"""What leaves a detector."""

import asyncio

import numpy as np
import pytest
from billiard import common
from django.db import OperationalError

from scanner_app.detectors import BarUnusable, Window
from scanner_app.domain.errors import DetectorFailed
from scanner_app.engine import detection

ONE = np.ones(1)
WINDOW = Window.of(
    symbol="T",
    timeframe="1d",
    timestamps=np.array(["2024-01-01"], "datetime64[us]"),
    open=ONE,
    high=ONE,
    low=ONE,
    close=ONE,
    volume=ONE,
)


class Raising:
    name = "raising"
    bars_needed = 1

    def __init__(self, error):
        self.error = error

    def detect(self, _):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),
        GeneratorExit(),
        KeyboardInterrupt(),
        SystemExit(0),
        OperationalError("the detector's own database"),
        ConnectionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_would_pass_by_our_handlers_is_a_failure_of_the_detector(error):
    with pytest.raises(DetectorFailed) as caught:
        detection.run([Raising(error)], WINDOW)

    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [ValueError("no"), MemoryError(), BarUnusable("no"), RecursionError()])
def test_other_errors_pass_through(error):
    with pytest.raises(type(error)):
        detection.run([Raising(error)], WINDOW)


def test_the_end_of_the_process_passes_through(monkeypatch):
    monkeypatch.setattr(common, "_should_have_exited", [True])  # as Celery's handler of SIGTERM leaves it

    with pytest.raises(SystemExit):
        detection.run([Raising(SystemExit(-241))], WINDOW)
