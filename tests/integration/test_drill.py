"""Drills on a real scanner, with a real mail server and a real web server behind the channels."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import ROOT, Stack, running_stack
from tests.integration.test_main_road import bars_of
from tests.notifications.conftest import MailServer, WebServer, web_server

__all__ = ["web_server"]

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(
    request: pytest.FixtureRequest, tmp_path: Path, mailbox: MailServer, web_server: WebServer
) -> Iterator[Stack]:
    with running_stack(
        tmp_path,
        request.param,
        SCANNER_RETRY_DELAYS="0.2,0.2,0.2",
        SCANNER_BREAKER_RECOVERY_S="2",
        SCANNER_ADMINS="chief@example.com",
        SCANNER_NOTIFY_URLS=web_server.url,
        EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}",
    ) as running:
        yield running


def command(stack: Stack) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "drill", "--json"],
        cwd=ROOT,
        env=stack.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def drill(stack: Stack) -> tuple[int, dict[str, Any]]:
    """Hold a drill to its end: the command's exit status and its last line."""
    process = command(stack)
    out, errors = process.communicate(timeout=150)
    assert out, errors
    return process.returncode, json.loads(out.splitlines()[-1])


def test_drills_with_sinks_that_take_refuse_and_are_away(stack, mailbox, web_server):
    stack.post_bars(bars_of("AAPL", 3))
    stack.wait_for_empty_backlog()
    before = {name: value for name, value in stack.symbol("AAPL").items() if name != "data_age_seconds"}

    returncode, answer = drill(stack)

    assert (returncode, answer["ok"]) == (0, True), answer
    assert {one["state"] for one in answer["steps"]} == {"ok"}
    assert mailbox.subjects == ["DRILL: #canary processing failed 3 times", "DRILL: #canary recovered"]
    about = [(one["rule"], one["severity"], one["symbol"]) for one in web_server.taken]
    assert about == [("drill", "info", "#canary")] * 2
    assert stack.get("/readyz").json()["alarm_path"].startswith("alarm path proven ")
    assert stack.status()["alarm_path"]["proven_at"]
    assert {name: value for name, value in stack.symbol("AAPL").items() if name != "data_age_seconds"} == before
    assert [one["symbol"] for one in stack.status()["symbols"]] == ["AAPL"]
    assert not stack.rows("failures")

    mailbox.stop()
    web_server.status = 503
    returncode, answer = drill(stack)

    assert (returncode, answer["failed_step"]) == (1, "notice")
    assert "not sent by mail" in answer["detail"]
    assert "not sent by apprise 1" in answer["detail"]
    assert [one["state"] for one in answer["steps"]] == ["ok", "ok", "ok", "failed", "ok", "ok", "failed"]
    (warning,) = [one for one in stack.get("/readyz").json()["warnings"] if "drill" in one]
    assert "failed at notice" in warning
    assert len(mailbox.mails) == len(web_server.taken) == 2


def test_without_workers_the_next_drill_cleans_up_after_a_killed_one_says_so_and_leaves_nothing(stack, mailbox):
    killed = command(stack)
    assert killed.stderr is not None
    killed.stderr.readline()  # its first step is done
    killed.kill()
    killed.communicate()
    refused = command(stack)
    assert "a drill runs already" in refused.communicate(timeout=60)[1]
    assert refused.returncode == 1
    for name in {*stack.processes} - {"web"}:
        stack.kill(name)
    stack.manage("shell", "-v0", "-c", LONG_AGO)

    returncode, answer = drill(stack)

    assert (returncode, answer["failed_step"]) == (1, "run")
    assert {one["state"] for one in answer["steps"][1:]} == {"not_reached"}
    assert stack.manage("shell", "-v0", "-c", REMAINS).split() == ["2", "0", "0", "0"]
    told = len(mailbox.mails)
    stack.start_workers()  # they find the messages of both
    stack.post_bars(bars_of("AAPL", 1))
    stack.wait_for_empty_backlog()
    assert len(mailbox.mails) == told


LONG_AGO = """
from datetime import timedelta
from django.db.models import F
from scanner_app.models import Drill
Drill.objects.update(seen_at=F("began_at") - timedelta(minutes=2))
"""
"""As if the killed one had been so a while ago."""

REMAINS = """
from scanner_app.models import Bar, Drill, Notification, Symbol
print(Drill.objects.exclude(failed_step="").count(), *(one.objects.count() for one in (Symbol, Bar, Notification)))
"""
