"""The task of the head: what is whose failure. The worker around it is real in tests/integration."""

import subprocess
import sys
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DataError, OperationalError

from scanner_app import mailbox, tasks
from scanner_app.detectors import BarUnusable, Signal
from scanner_app.domain.enums import Outcome
from scanner_app.domain.errors import BarFailed
from scanner_app.engine import detection, runs
from scanner_app.mailbox import sql
from scanner_app.messaging import sweep_memory
from scanner_app.models import ProcessingFailure, QuarantinedBar
from scanner_app.models import Signal as SignalRow
from tests.conftest import accept_days, live_message, row_of

pytestmark = pytest.mark.django_db(transaction=True)


class Fake:
    """A detector that does what a test wants."""

    name = "fake"
    bars_needed = 1

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def detect(self, _window):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def detector(monkeypatch):
    """Let the one detector answer with this."""
    return lambda answer: monkeypatch.setattr(detection, "chosen_detectors", lambda _paths: (Fake(answer),))


@pytest.fixture
def head(symbol):
    accept_days("TSLA", 2)
    return symbol


def test_a_good_bar_is_completed(head, detector):
    detector([Signal("GAP", "bullish", 1)])

    assert runs.process_head(live_message(head)) is Outcome.COMPLETED
    assert row_of(head).head == 2
    assert SignalRow.objects.get().pattern == "GAP"


@pytest.mark.parametrize(
    ("answer", "error_type"),
    [
        pytest.param(ValueError("no good"), "ValueError", id="any exception"),
        pytest.param(OperationalError("its own database"), "OperationalError", id="an outage of the detector's own"),
        pytest.param(ConnectionError("its own service"), "ConnectionError", id="a service of the detector's own"),
        pytest.param(MemoryError(), "MemoryError", id="no memory"),
        pytest.param([Signal("GAP", "bullish", float("nan"))], "BadSignal", id="a strength that is no number"),
        pytest.param([Signal("G" * 65, "bullish", 1)], "BadSignal", id="an over-long name"),
        pytest.param([Signal("GAP", "up", 1)], "BadSignal", id="an unknown direction"),
        pytest.param([Signal("GAP", "bullish", 1)] * 2, "BadSignal", id="a signal twice"),
        pytest.param(None, "BadSignal", id="no answer"),
    ],
)
def test_what_a_detector_does_wrong_is_its_bars_failure(head, detector, answer, error_type):
    detector(answer)

    with pytest.raises(BarFailed) as caught:
        runs.process_head(live_message(head))

    assert caught.value.queue == "symbol.TSLA"
    assert ProcessingFailure.objects.get().error_type == error_type
    assert row_of(head).attempts == 1


def test_a_bar_that_fails_in_our_own_transaction_does_not_go_round_for_ever(head, detector, monkeypatch):
    detector([Signal("GAP", "bullish", 1)])

    def refuse(*_args, **_options):
        raise DataError("value too long for type character varying(64)")

    monkeypatch.setattr(sql, "completion_values", refuse)

    with pytest.raises(BarFailed):
        runs.process_head(live_message(head))

    assert row_of(head).attempts == 1
    assert row_of(head).head == 1
    assert SignalRow.objects.count() == 0


def test_an_outage_of_our_own_database_counts_against_no_bar(head, detector, monkeypatch):
    detector([])

    def away(*_args, **_options):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(sql, "completion_values", away)

    with pytest.raises(OperationalError):
        runs.process_head(live_message(head))

    assert row_of(head).attempts == 0
    assert ProcessingFailure.objects.count() == 0


def test_an_unusable_bar_is_quarantined_and_not_retried(head, detector):
    detector(BarUnusable("volume is missing"))

    assert runs.process_head(live_message(head)) is Outcome.QUARANTINED
    assert QuarantinedBar.objects.get().message == "volume is missing"


def test_a_soft_time_limit_moves_the_retry_to_the_slow_lane(head, detector):
    detector(SoftTimeLimitExceeded())

    with pytest.raises(BarFailed) as caught:
        runs.process_head(live_message(head))

    assert caught.value.queue == "slow.symbol.TSLA"
    # Celery's own words for it are its name once more.
    assert row_of(head).last_error == "SoftTimeLimitExceeded: stopped after 10 s (the soft limit)"
    assert str(caught.value) == row_of(head).last_error
    lane = head.events.get(kind="lane")
    assert lane.reason == "to the slow lane: stopped after 10 s (the soft limit)"


def test_the_tasks_delays_are_the_settings_list(settings):
    assert tasks.process_head.max_retries == len(settings.SCANNER_RETRY_DELAYS) == 6


def test_a_time_limit_outside_of_the_detectors_is_an_outage_and_no_hung_bar(head, detector, monkeypatch):
    detector([])

    def slow(*_args, **_options):
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(sql, "completion_values", slow)

    with pytest.raises(SoftTimeLimitExceeded):
        runs.process_head(live_message(head))

    assert (row_of(head).attempts, row_of(head).lane) == (0, "main")


def test_an_outage_is_tried_once_more_and_then_marked_for_the_sweeper(head, monkeypatch):
    marked: list[str] = []
    tried: list[Any] = []
    monkeypatch.setattr(sweep_memory, "mark_outage", marked.append)

    def away(message):
        tried.append(message)
        raise OperationalError("server closed the connection")

    message = live_message(head)

    assert runs.through_outages(message, away) == "outage"
    assert (len(tried), marked) == (2, [message.identity])


def test_while_the_database_is_away_the_sweeper_ends_with_a_line_of_the_log_and_no_failure(
    broker_server, monkeypatch, caplog
):
    def locked(now, *, named):
        raise OperationalError("database is locked")

    monkeypatch.setattr(mailbox, "due_heads", locked)

    assert tasks.sweep() is None
    assert "database is locked" in caplog.text
    assert "Traceback" not in caplog.text


def test_beat_and_the_workers_without_detectors_load_neither_numpy_nor_the_api():
    """They import what Celery imports at their start. It would be 20 MB for each of them, and 40."""
    code = (
        "import sys; from scanner_project.celery import app; app.loader.import_default_modules(); "
        "print(sorted({'numpy', 'talib', 'scanner_app.api', 'scanner_app.tasks'} & set(sys.modules)))"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert loaded.stdout.splitlines()[-1] == "['scanner_app.tasks']"
