"""What drives a drill in the tests: a clock for everything, and the worker's part of the canary. Not a test."""

import contextlib
from typing import Any

import pytest

from scanner_app.domain.errors import BarFailed
from scanner_app.domain.tickers import CANARY
from scanner_app.engine import runs
from scanner_app.models import Symbol
from scanner_app.notifications import trigger
from tests.conftest import live_message, row_of
from tests.notifications.conftest import Clock


def clock_with_mail(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Clock:
    """A clock that only the test moves, with mail as the one channel."""
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", clock)
    monkeypatch.setattr(trigger, "trigger_delivery", lambda: True)
    settings.ADMINS = [("Ada", "ada@example.org")]
    settings.EMAIL_SUBJECT_PREFIX = "[Scanner] "
    return clock


def run_canary() -> None:
    """What a worker does with the canary's message, if it has a head that is due."""
    symbol = Symbol.objects.filter(ticker=CANARY).first()
    if symbol is None:
        return
    row = row_of(symbol)
    if row.head is None:
        return
    with contextlib.suppress(BarFailed):  # Celery's retry
        (runs.control_run if row.stage == "control" else runs.process_head)(live_message(symbol))
