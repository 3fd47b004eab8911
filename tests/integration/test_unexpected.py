"""Unexpected errors of a real web server and a real worker are alerts, and the scanner goes on."""

import pytest

from tests.integration.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RENAME = "from django.db import connection as c; c.cursor().execute('ALTER TABLE {} RENAME TO {}')"

SEND_NONSENSE = (
    "from scanner_app.messaging import producer, task_names as t;"
    "what = {'message': {'no': 1}, 'reason': 'x'};"
    "producer.send(t.BAR_DIED, kwargs=what, queue='upkeep', argsrepr='', kwargsrepr='')"
)


def messages(stack: Stack) -> dict[str, str]:
    rows = stack.http.get("alerts?active=true&rule=unexpected_errors").json()["results"]
    return {row["subject"]: row["message"] for row in rows if row["state"] == "firing"}


def test_a_broken_table_and_a_message_that_no_task_understands_are_alerts(stack: Stack) -> None:
    names = ("scanner_app_watchlist", "scanner_app_gone")
    stack.manage("shell", "-v0", "-c", RENAME.format(*names))
    try:
        answers = {stack.http.get("watchlists").status_code for _ in range(20)}
        assert answers < {500, 503}, "PostgreSQL calls it a programming error, SQLite an operational one"
    finally:
        stack.manage("shell", "-v0", "-c", RENAME.format(*reversed(names)))
    stack.manage("shell", "-v0", "-c", SEND_NONSENSE)

    wait_until(lambda: set(messages(stack)) == {"web", "tasks"}, "both fire", deadline_s=60)

    said = messages(stack)
    assert f"The web answered {min(answers)} to GET /api/v1/scanner/watchlists 20 times since " in said["web"]
    assert "Task scanner.bar_died failed once, at " in said["tasks"]
    assert "TypeError" in said["tasks"]
    whole = stack.http.get("status").json()
    assert whole["overall_status"] == "degraded"
    assert any(reason.startswith("Unexpected errors: 2 (") for reason in whole["reasons"])
    assert stack.http.get("watchlists").status_code == 200
