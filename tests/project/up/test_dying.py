"""Programs that die again and again under a real supervisor: noted, so that an alert tells of them."""

import os
import sys
from pathlib import Path

import pytest

from scanner_app.alerts import unexpected
from scanner_app.conf import alert_limits
from scanner_app.domain.alert_rules import RULES, Facts
from scanner_app.domain.enums import ErrorSource
from scanner_app.reading import unexpected as reading
from scanner_project.env import read
from scanner_project.up import programs, watch
from scanner_project.up.programs import Program
from scanner_project.up.supervision import ChildState, Supervisor
from tests.conftest import KeptErrors
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(180)]

DYING = Program(name="dying", group="all", command="/bin/sh -c 'sleep 0.1; exit 3'", directory="/", start_s=0)
HOPELESS = Program(name="hopeless", group="all", command="/bin/sh -c 'exit 1'", directory="/", start_s=1)
LIVING = Program(name="living", group="all", command="/bin/sleep 600", directory="/", start_s=0)


@pytest.fixture
def supervisor(tmp_path):
    """One that runs these three."""
    env = read({"DATA_DIR": str(tmp_path)})
    (tmp_path / "logs").mkdir()
    file = tmp_path / "supervisord.conf"
    text = programs.configuration((DYING, HOPELESS, LIVING))
    file.write_text(text.replace("startretries = 5", "startretries = 1"))  # given up in seconds
    bin_dir = Path(sys.executable).parent
    one = Supervisor(
        configuration=file,
        socket_file=programs.supervisor_socket(env),
        environment=programs.environment(env, os.environ, python_dir=bin_dir, server_dir=bin_dir),
    )
    try:
        one.wait_until_up()
        yield one
    finally:
        if not one.stop(patience_s=20, meanwhile=lambda: None):
            one.kill()


def test_what_ends_again_and_again_and_what_is_given_up_are_noted_and_what_runs_is_not(supervisor, kept_errors):
    known = watch.Children()
    supervisor.start("all")
    seen: dict[tuple[str, str], int] = {}

    def look() -> bool:
        children = supervisor.children()
        list(known.news(children))
        for child in known.due_again(children):
            supervisor.start_again(child)
        for source, name in kept_errors._counted:
            seen[source, name] = kept_errors._counted[source, name].count
        return seen.get((ErrorSource.RESTART, "dying"), 0) >= 3 and (ErrorSource.GIVEN_UP, "hopeless") in seen

    wait_until(look, "both are noted", deadline_s=90)

    assert "living" not in {name for _, name in seen}
    now = max(one.last for one in kept_errors._counted.values())
    kept_errors.write()
    found = {(one.source, one.name): one for one in reading.lately(now)}
    restarted, given_up = found[ErrorSource.RESTART, "dying"], found[ErrorSource.GIVEN_UP, "hopeless"]
    assert restarted.error.endswith("logs/dying.log")
    assert "logs/hopeless.log" in given_up.error
    facts = Facts(now=now, limits=alert_limits(), unexpected=tuple(found.values()))
    (down,) = RULES["program_down"].find(facts) or ()
    (dies,) = RULES["unexpected_errors"].find(facts) or ()
    assert down.message.startswith("Program hopeless could not be kept running")
    assert dies.message.startswith("Program dying ended and was started again ")
    assert "hopeless" not in dies.message, "once is enough"


def test_what_is_still_down_is_noted_at_each_try(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("scanner_project.up.watch.time.monotonic", lambda: now)
    noted = []
    known = watch.Children(lambda *what: noted.append(what[:2]))
    fatal = ChildState(
        name="web", group="web", pid=0, state="FATAL", started_at=5, reason="Exited too quickly", log="web.log"
    )
    list(known.news([fatal]))
    for _ in range(2):
        now += watch.START_AGAIN_S
        list(known.news([fatal]))
        assert list(known.due_again([fatal])) == [fatal]

    assert noted == [(ErrorSource.GIVEN_UP, "web")] * 3


def test_make_up_notes_what_it_finds_with_everything_else(kept_errors: KeptErrors):
    assert watch.Children()._note is unexpected.note
