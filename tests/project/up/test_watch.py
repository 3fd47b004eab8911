import json

import pytest
from django.utils import timezone

from scanner_app.models import Feed
from scanner_project.env import read
from scanner_project.up import watch
from scanner_project.up.supervision import ChildState


def child(state="RUNNING", *, name="worker-main", group="workers", started_at=100, reason=""):
    return ChildState(
        name=name,
        group=group,
        pid=7,
        state=state,
        started_at=started_at,
        reason=reason,
        log=f"/var/logs/{name}.log",
    )


def test_nothing_is_said_of_programs_that_run():
    known = watch.Children()

    assert list(known.news([child(started_at=0, state="STARTING")])) == []
    assert list(known.news([child()])) == []
    assert list(known.news([child()])) == []


def test_a_program_that_was_started_again_is_told_once_with_its_log():
    known = watch.Children()
    list(known.news([child()]))

    shown = list(known.news([child(started_at=200)])) + list(known.news([child(started_at=200)]))

    assert shown == ["worker-main ended and was started again; its log is /var/logs/worker-main.log."]


def test_a_program_that_was_given_up_is_told_once_until_it_runs_again():
    known = watch.Children()
    fatal = child("FATAL", reason="Exited too quickly")

    shown = [*known.news([fatal]), *known.news([fatal])]
    list(known.news([child()]))
    again = list(known.news([fatal]))

    assert shown == again
    assert shown[0] == (
        "worker-main can't be kept running: Exited too quickly; its log is /var/logs/worker-main.log; "
        "trying again in 10 s."
    )
    assert len(shown) == 1


def test_a_given_up_program_is_tried_again_after_a_while(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("scanner_project.up.watch.time.monotonic", lambda: now)
    known = watch.Children()
    list(known.news([child("FATAL")]))

    assert list(known.due_again([child("FATAL")])) == []
    now += watch.START_AGAIN_S
    assert list(known.due_again([child("FATAL"), child(name="beat")])) == [child("FATAL")]
    assert list(known.due_again([child("FATAL")])) == []  # not at once a second time


def test_what_waits_for_something_to_do_is_not_started_with_the_others():
    waiting = [child("STOPPED", name=name, group=name, started_at=0) for name in sorted(watch.WAITING)]
    forgotten = child("STOPPED", name="flower", group="flower", started_at=0)

    assert list(watch.Children().due_again([*waiting, forgotten])) == [forgotten]


@pytest.mark.django_db(transaction=True)  # as `make up` has it: the connection may be closed in between
def test_the_venues_are_those_of_the_environment_and_the_enabled_ones_of_the_database():
    Feed.objects.create(name="mine", venue="ccxt.kraken", entry="BTC/USD@1m")
    Feed.objects.create(name="off", venue="alpaca", entry="AAPL@1m", enabled=False)
    Feed.objects.create(name="old", venue="elsewhere", entry="AAPL@1m", from_environment=True)

    assert watch.venues(read({"SCANNER_FEEDS": "binance:BTCUSDT@1m"})) == {"binance", "ccxt.kraken"}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("scanner.example", "http://scanner.example:8000"),
    ],
)
def test_the_address_is_one_that_a_browser_here_can_open(host, url):
    assert watch.web_url(read({"WEB_HOST": host}), 8000) == url


def test_the_reason_why_it_is_not_ready_is_readyz_s():
    checks = {"workers": {"ready": False, "reason": "no living worker of role slow"}, "broker": {"ready": True}}
    body = json.dumps({"not_ready": ["workers"], "checks": checks}).encode()

    assert watch._reason(body) == "workers: no living worker of role slow"
    assert watch._reason(b"<html>") == ""
    assert watch._reason(b"[]") == ""


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"DEMO": "1", "SCANNER_KEEP_BARS_DAYS": "30"}, True),
        ({"DEMO": "1", "SCANNER_KEEP_BARS_DAYS": "0"}, False),
        ({"DEMO": "0", "SCANNER_KEEP_BARS_DAYS": "30"}, False),
    ],
)
def test_a_demo_that_retention_forgets_is_announced_at_the_start(settings, values, shown):
    settings.SCANNER_KEEP_BARS_DAYS = int(values["SCANNER_KEEP_BARS_DAYS"])

    said = watch.demo_warning(read(values), timezone.now())

    assert said.startswith("The demo has nothing to show: ") if shown else said == ""
