"""`manage.py drill`. What it drives is tested in tests/alerts/test_drill.py, with real workers in tests/integration."""

import json
import logging
import signal
from collections.abc import Iterator

import pytest
from django.core.management import call_command

from scanner_app.alerts import drill as drills
from scanner_app.domain.drill import Step
from scanner_app.models import Drill, Symbol
from scanner_app.notifications import delivery
from tests.alerts.drilling import clock_with_mail, run_canary
from tests.notifications.conftest import Clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The command sets its own for SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def clock(monkeypatch, settings):
    return clock_with_mail(monkeypatch, settings)


@pytest.fixture
def workers(monkeypatch, clock: Clock):
    """While the command sleeps, a second passes, and workers do what there is to do."""

    def pass_a_second(_seconds):
        clock.move(1)
        run_canary()
        delivery.run(clock)

    monkeypatch.setattr("scanner_app.management.commands.drill.time.sleep", pass_a_second)


def test_it_prints_each_step_with_its_time(workers, capsys, mailoutbox):
    call_command("drill")

    *steps, verdict = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in steps] == list(Step)
    assert all(line.startswith("14:30:") and line.split()[3] == "ok" for line in steps)
    assert verdict.startswith("Alarm path proven in ")


def test_no_log_of_the_drill_comes_between_its_lines(workers, caplog, mailoutbox):
    with caplog.at_level(logging.DEBUG, logger=drills.__name__):
        call_command("drill")

    assert [record for record in caplog.records if record.name == drills.__name__] == []


def test_as_json_the_last_line_has_all_steps_and_progress_goes_elsewhere(workers, capsys, mailoutbox):
    call_command("drill", "--json")

    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    answer = json.loads(line)
    assert (answer["ok"], answer["failed_step"], answer["began_at"]) == (True, None, "2024-05-31T14:30:00.000Z")
    assert [(one["step"], one["state"]) for one in answer["steps"]] == [(step, "ok") for step in Step]
    assert printed.err.count("\n") == len(Step) + 1


def test_a_step_that_fails_is_named_and_ends_with_exit_status_1(monkeypatch, clock, capsys):
    monkeypatch.setattr("scanner_app.management.commands.drill.time.sleep", lambda _: clock.move(5))

    with pytest.raises(SystemExit) as ended:
        call_command("drill")

    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[2:4] == ["run", "FAILED"]
    assert lines[-2].startswith("The drill failed at run after 30 s: no worker has run the canary's first bar")
    assert lines[-1] == "Is it running? `make up` starts it."


def test_ctrl_c_ends_the_drill_and_removes_the_canary(monkeypatch, clock, capsys):
    def interrupted(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("scanner_app.management.commands.drill.time.sleep", interrupted)

    with pytest.raises(SystemExit):
        call_command("drill")

    assert "the command was interrupted" in capsys.readouterr().out
    assert not Symbol.objects.exists()
    assert Drill.objects.get().running is None
    drills.begin(by="olga", now=clock.now)
