"""Unexpected errors: noted where they happen, written beside it, told once, and over when they stop."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import task_failure
from django.db import DataError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import generate_latest

from scanner_app import tasks
from scanner_app.alerts import unexpected
from scanner_app.alerts.unexpected import Noted, Recorder
from scanner_app.api.bars import BarViewSet
from scanner_app.api.symbols import SymbolViewSet
from scanner_app.conf import alert_limits
from scanner_app.domain.alert_rules import RULES, Facts
from scanner_app.domain.enums import ErrorSource
from scanner_app.domain.errors import BarFailed
from scanner_app.domain.unexpected import DOWN_FOR, QUIET, RECENT, UnexpectedErrors, summary
from scanner_app.engine import retention
from scanner_app.messaging import producer, task_names
from scanner_app.models import Alert, UnexpectedError
from scanner_app.reading import status
from scanner_app.reading import unexpected as reading
from scanner_app.telemetry import counters
from tests.alerts.watching import LOOK_S, redis_server, watched
from tests.conftest import T0, raw_bar
from tests.waiting import wait_until

__all__ = ["redis_server", "watched"]  # fixtures

pytestmark = pytest.mark.django_db

BARS = "/api/v1/scanner/bars"


@pytest.fixture
def web(admin_user):
    """The administrator's client, of the real middleware: an exception is an answer 500."""
    client = Client(raise_request_exception=False)
    client.force_login(admin_user)
    return client


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def rows(kept_errors):
    kept_errors.write()
    return list(UnexpectedError.objects.order_by("name").values_list("source", "name", "count", "error"))


def store(count=1, *, source=ErrorSource.WEB, name="500 to POST /bars", at=T0, error="E: no"):
    unexpected.store({(source, name): Noted(count, at, at, error)})


def test_answers_500_are_counted_by_route_with_their_error(web, kept_errors, monkeypatch):
    monkeypatch.setattr(BarViewSet, "create", raising(DataError("no such\ncolumn")))
    monkeypatch.setattr(SymbolViewSet, "retrieve", raising(KeyError("x")))

    answers = [web.post(BARS, raw_bar(), content_type="application/json").status_code for _ in range(3)]
    answers += [web.get(f"/api/v1/scanner/symbols/{ticker}").status_code for ticker in ("TSLA", "IBM")]

    assert answers == [500] * 5
    bars, symbols = sorted(rows(kept_errors), key=lambda row: -row[2])
    assert bars == ("web", "500 to POST /api/v1/scanner/bars", 3, "DataError: no such column")
    assert symbols == ("web", "500 to GET /api/v1/scanner/symbols/<symbol>", 2, "KeyError: 'x'")


def test_an_error_of_the_database_that_is_there_is_noted_though_its_answer_is_503(web, kept_errors, monkeypatch):
    monkeypatch.setattr(BarViewSet, "create", raising(OperationalError("no such column: x")))

    assert web.post(BARS, raw_bar(), content_type="application/json").status_code == 503

    assert rows(kept_errors) == [("web", "503 to POST /api/v1/scanner/bars", 1, "OperationalError: no such column: x")]


def test_what_a_client_does_wrong_is_no_unexpected_error(web, kept_errors):
    for path, body in ((BARS, {"symbol": 1}), ("/nowhere", {})):
        web.post(path, body, content_type="application/json")
    Client().get(BARS)

    assert rows(kept_errors) == []


def test_an_error_before_any_page_is_noted_too(web, kept_errors, monkeypatch):
    monkeypatch.setattr("scanner_app.middleware.guesses.address_waits_s", raising(ValueError("no")))

    assert web.post("/login").status_code == 500

    assert rows(kept_errors) == [("web", "500 to POST before any page", 1, "ValueError: no")]


def test_a_request_fails_no_other_way_when_its_error_cannot_be_noted(web, kept_errors, monkeypatch):
    monkeypatch.setattr(BarViewSet, "create", raising(DataError("no")))
    monkeypatch.setattr(kept_errors, "note", raising(RuntimeError("can't start new thread")))

    answer = web.post(BARS, raw_bar(), content_type="application/json")

    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal error; the log has the details."}


def test_an_error_whose_text_can_not_be_had_is_no_error_of_who_notes_it():
    class Mute(Exception):
        def __str__(self):
            raise Mute

    unexpected.note_task("scanner.prune", Mute())


@pytest.mark.django_db(transaction=True)  # Celery's signal closes the connection
def test_a_task_that_raises_is_noted(kept_errors, monkeypatch):
    monkeypatch.setattr(retention, "prune", raising(ZeroDivisionError("a bug")))

    tasks.prune.apply()

    assert rows(kept_errors) == [("task", "scanner.prune", 1, "ZeroDivisionError: a bug")]


@pytest.mark.django_db(transaction=True)  # Celery's signal closes the connection
@pytest.mark.parametrize(
    "error", [OperationalError("away"), ConnectionError("away"), BarFailed("failed", "symbol.TSLA")]
)
def test_outages_and_failures_of_bars_are_none(kept_errors, error):
    task_failure.send(sender=tasks.ping_watcher, exception=error, task_id="1")

    assert rows(kept_errors) == []


@pytest.mark.django_db(transaction=True)  # Celery's signal closes the connection
def test_a_task_that_was_killed_is_noted_by_the_upkeep_worker(kept_errors, monkeypatch):
    sent = []
    monkeypatch.setattr(producer, "send", lambda name, **how: sent.append((name, how["queue"], how["kwargs"])))

    for task in (tasks.sweep, tasks.process_head):  # the mailbox counts a bar's
        task_failure.send(sender=task, exception=TimeLimitExceeded(30), task_id="1")

    assert rows(kept_errors) == [], "a parent keeps no connection"
    ((name, queue, what),) = sent
    assert (name, queue) == (task_names.TASK_DIED, "upkeep")
    tasks.task_died(**what)
    assert rows(kept_errors) == [("task", "scanner.sweep", 1, "TimeLimitExceeded: TimeLimitExceeded(30,)")]


@pytest.mark.django_db(transaction=True)  # Celery's signal closes the connection
@pytest.mark.parametrize(("status", "told"), [(None, 1), (0, 0)], ids=["it goes on", "it stops, with exit status 0"])
def test_a_task_whose_process_dies_is_noted_unless_its_worker_stops(monkeypatch, status, told):
    sent = []
    monkeypatch.setattr(producer, "send", lambda name, **_: sent.append(name))
    monkeypatch.setattr("celery.worker.state.should_stop", status)

    task_failure.send(sender=tasks.sweep, exception=WorkerLostError("signal 9"), task_id="1")

    assert sent == [task_names.TASK_DIED] * told


def test_the_first_error_is_written_at_once_and_those_that_come_meanwhile_together():
    written, go_on = [], threading.Semaphore(0)

    def write(noted):
        written.append({name: one.count for (_, name), one in noted.items()})
        go_on.acquire()

    recorder = Recorder(write, every_s=0)
    recorder.note(ErrorSource.TASK, "a", "E", T0)
    wait_until(lambda: written, "the first is written")
    for name in ("a", "b", "a"):
        recorder.note(ErrorSource.TASK, name, "E", T0)
    go_on.release(2)
    wait_until(lambda: not recorder._writing, "the thread has ended")

    assert written == [{"a": 1}, {"a": 2, "b": 1}]


def test_after_a_write_that_failed_the_next_error_is_written():
    tries = []

    def write(noted):
        tries.append([name for _, name in noted])
        if len(tries) == 1:
            raise OperationalError("the database is away")

    recorder = Recorder(write, every_s=0)
    for name in ("a", "b"):
        recorder.note(ErrorSource.TASK, name, "E", T0)
        wait_until(lambda: not recorder._writing, "it is tried")

    assert tries == [["a"], ["b"]]


def test_what_comes_until_the_database_is_back_is_of_the_outage_and_not_stored():
    tries, go_on = [], threading.Semaphore(0)

    def write(noted):
        tries.append([name for _, name in noted])
        go_on.acquire()
        if len(tries) <= 2:
            raise OperationalError("the database is away")

    def has_tried_more_than(times: int) -> bool:
        return len(tries) > times

    recorder = Recorder(write, every_s=0)
    recorder.note(ErrorSource.WEB, "a", "E", T0)
    wait_until(lambda: tries, "the first write has begun")
    for before, name in enumerate("bcd", 1):
        recorder.note(ErrorSource.WEB, name, "E", T0)  # while the write before it is under way
        go_on.release()
        wait_until(partial(has_tried_more_than, before), "the next write has begun")
    go_on.release()
    wait_until(lambda: not recorder._writing, "the thread has ended")

    assert tries == [["a"], [], [], ["d"]]


def test_with_nothing_to_store_the_database_is_asked_all_the_same():
    with CaptureQueriesContext(connection) as queries:
        unexpected.store({})

    assert len(queries) > 0


@pytest.mark.django_db(transaction=True)
def test_a_thread_writes_the_row(real_recorder):
    unexpected.note(ErrorSource.TASK, "scanner.sweep", "E: no")

    wait_until(UnexpectedError.objects.exists, "it is written")


def test_a_series_goes_on_until_it_was_quiet_for_long():
    store(2)
    store(3, at=T0 + QUIET)
    one = UnexpectedError.objects.get()
    assert (one.count, one.began_at, one.last_at) == (5, T0, T0 + QUIET)

    later = T0 + 2 * QUIET + timedelta(seconds=1)
    store(1, at=later, error="E: other")

    one = UnexpectedError.objects.get()
    assert (one.count, one.began_at, one.last_at, one.error) == (1, later, later, "E: other")


def test_the_message_names_the_worst_its_count_and_the_others():
    few, many = (
        UnexpectedErrors(
            source=ErrorSource.WEB, name=name, count=count, began_at=T0, last_at=T0 + timedelta(minutes=4), error=error
        )
        for name, count, error in (
            ("500 to GET /x", 2, "E"),
            ("500 to POST /bars", 41, "OperationalError: no such column"),
        )
    )

    assert summary([few, many]) == (
        "The web answered 500 to POST /bars 41 times since 2024-05-31 14:30:00 UTC, last at 2024-05-31 14:34:00 UTC: "
        "OperationalError: no such column. The web server's log has the rest. "
        "The same, less often: 500 to GET /x."
    )


def test_each_source_has_an_alert_and_a_single_restart_has_none(watched):
    now = watched.clock.now
    store(1, at=now)
    store(1, source=ErrorSource.TASK, name="scanner.prune", at=now)
    store(1, source=ErrorSource.RESTART, name="beat", at=now)
    watched.look_for(10)
    assert set(Alert.objects.values_list("rule", "subject")) == {
        ("unexpected_errors", "web"), ("unexpected_errors", "tasks"),
    }  # fmt: skip

    store(1, source=ErrorSource.RESTART, name="beat", at=watched.clock.now)
    watched.look()
    said = Alert.objects.get(subject="programs").message
    assert said.startswith("Program beat ended and was started again 2 times since ")

    store(1, source=ErrorSource.GIVEN_UP, name="beat", at=watched.clock.now)
    watched.look()
    assert Alert.objects.get(rule="program_down").message.startswith("Program beat could not be kept running")
    assert not Alert.objects.filter(subject="programs").exists(), "it is not told twice"


@pytest.mark.parametrize(
    ("last_restart", "told"),
    [
        pytest.param(timedelta(seconds=20), False, id="the try at which it could be kept running again"),
        pytest.param(DOWN_FOR + timedelta(seconds=1), True, id="it dies again later"),
    ],
)
def test_the_tries_of_a_program_that_was_given_up_are_not_told_again_when_it_runs(last_restart, told):
    of_beat = partial(UnexpectedErrors, name="beat", began_at=T0, error="E")
    given_up = of_beat(source=ErrorSource.GIVEN_UP, count=3, last_at=T0)
    restarts = of_beat(source=ErrorSource.RESTART, count=9, last_at=T0 + last_restart)
    now = T0 + last_restart + RECENT

    facts = Facts(now=now, limits=alert_limits(), unexpected=(given_up, restarts))

    assert list(RULES["program_down"].find(facts) or ()) == []
    assert bool(list(RULES["unexpected_errors"].find(facts) or ())) is told


def test_a_program_that_was_given_up_is_known_as_long_as_its_restarts_count():
    store(source=ErrorSource.GIVEN_UP, name="beat")

    assert len(reading.lately(T0 + RECENT + DOWN_FOR)) == 1
    assert reading.lately(T0 + QUIET + timedelta(seconds=1)) == ()


def test_it_is_over_ten_minutes_after_the_last_error(watched):
    at = watched.clock.now
    store(at=at)
    watched.look_for(10)
    assert Alert.objects.get().state == "firing"

    watched.look_for((at + QUIET - watched.clock.now).total_seconds() - 3 * LOOK_S)
    assert Alert.objects.get().state == "recovering"
    watched.look_for(6 * LOOK_S)

    assert Alert.objects.get().state == "resolved"


def test_status_readyz_and_metrics_tell_of_it(web, watched, kept_errors, monkeypatch):
    monkeypatch.setattr(BarViewSet, "create", raising(DataError("a secret")))
    web.post(BARS, raw_bar(), content_type="application/json")
    kept_errors.write()
    watched.clock.now = timezone.now()
    watched.look_for(10)

    seen = status.overview(timezone.now())
    assert seen.overall_status == "degraded"
    assert "The web answered 500 to POST /api/v1/scanner/bars once, at" in seen.reasons[0]
    (warning,) = Client().get("/readyz").json()["warnings"]
    assert warning.startswith("The web answered 500 to POST … once, at "), "strangers read no address"
    assert reading.warnings(timezone.now() + RECENT + timedelta(seconds=5)) == []
    line = b'scanner_unexpected_errors_total{name="500 to POST /api/v1/scanner/bars",source="web"}'
    assert line in generate_latest(counters.REGISTRY)
