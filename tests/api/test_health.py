"""`/healthz` and `/readyz`: whatever is broken, they name it and are never an error 500."""

import time
from datetime import timedelta

import pytest
import redis
from django.db import OperationalError, ProgrammingError
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.utils import timezone

from scanner_app.domain.enums import FeedState
from scanner_app.messaging import heartbeats, live_feeds, redis_client, sweep_memory
from scanner_app.messaging.heartbeats import Heartbeat
from scanner_app.models import Drill, Feed
from scanner_app.reading import clocks
from scanner_project.version import VERSION

ALL_ROLES = {f"{role}@a": Heartbeat(role=role) for role in ("main", "slow", "upkeep")}


class Answering:
    """A Redis client whose broker answers and takes writes."""

    def ping(self):
        return True

    def set(self, *_, **__):
        return True


@pytest.fixture
def all_well(db, real_writes, monkeypatch):
    """Database, broker, workers and sweeper are ready."""
    monkeypatch.setattr(redis_client, "client", Answering)
    monkeypatch.setattr(heartbeats, "read_all", lambda: ALL_ROLES)
    monkeypatch.setattr(sweep_memory, "last_sweep", time.time)


@pytest.fixture
def client(client, settings):
    """One that may read everything: strangers read no names of hosts, which has a test of its own."""
    settings.SCANNER_METRICS_TOKEN = "t"
    client.defaults["HTTP_AUTHORIZATION"] = "Bearer t"
    return client


def test_strangers_read_what_is_wrong_without_the_names_of_hosts(all_well, monkeypatch, db):
    deaf = {**ALL_ROLES, "main@b7": Heartbeat(role="main", unanswered_s=1_000)}
    monkeypatch.setattr(heartbeats, "read_all", lambda: deaf)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert "b7" not in answer.content.decode()
    assert answer.json()["checks"]["workers"]["reason"]


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
def test_healthz_is_200_with_the_version_and_without_database_and_broker(client, path):
    # This test has no fixture for the database, so a query would fail it.
    answer = client.get(path)

    assert (answer.status_code, answer.json()) == (200, {"status": "alive", "version": VERSION})


@pytest.mark.parametrize("path", ["/readyz", "/readyz/"])
def test_readyz_is_200_if_everything_is_ready(client, all_well, path):
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "not_ready": [],
        "checks": {name: {"ready": True, "reason": ""} for name in ("database", "broker", "workers")},
        "alarm_path": "alarm path never proven: see manage.py drill",
        "warnings": [],
    }
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("target", "name", "replacement", "not_ready", "reason"),
    [
        pytest.param(
            CursorWrapper,
            "execute",
            raising(OperationalError("connection refused")),
            ["database"],
            "refused",
            id="no db",
        ),
        pytest.param(
            CursorWrapper, "execute", raising(ProgrammingError("no such table")), ["database"], "table", id="no tables"
        ),
        pytest.param(
            redis_client,
            "client",
            raising(redis.ConnectionError("refused")),
            ["broker", "workers"],
            "refused",
            id="no broker",
        ),
        pytest.param(
            redis_client,
            "client",
            raising(redis.TimeoutError("too slow")),
            ["broker", "workers"],
            "too slow",
            id="hung broker",
        ),
        pytest.param(
            redis_client,
            "client",
            raising(redis.BusyLoadingError("loading")),
            ["broker", "workers"],
            "loading",
            id="broker is loading",
        ),
        pytest.param(
            heartbeats, "read_all", raising(redis.TimeoutError("late")), ["workers"], "late", id="hung afterwards"
        ),
        pytest.param(
            heartbeats, "read_all", raising(ValueError("no JSON")), ["workers"], "no JSON", id="nonsense heartbeats"
        ),
        pytest.param(heartbeats, "read_all", dict, ["workers"], "role main, slow, upkeep", id="no workers"),
        pytest.param(
            heartbeats,
            "read_all",
            lambda: ALL_ROLES | {"main@b": Heartbeat(role="main", unanswered_s=10.0)},
            ["workers"],
            "deaf: main@b",
            id="a worker that is alive but deaf",
        ),
        pytest.param(
            heartbeats,
            "read_all",
            lambda: {"main@a": Heartbeat(role="main"), "upkeep@a": Heartbeat(role="upkeep"), "x@a": Heartbeat()},
            ["workers"],
            "no living worker of role slow",
            id="one role is missing",
        ),
        pytest.param(
            sweep_memory,
            "last_sweep",
            lambda: time.time() - 16,
            ["workers"],
            "sweeper has not run for 16 s",
            id="sweeper late",
        ),
        pytest.param(sweep_memory, "last_sweep", lambda: None, ["workers"], "sweeper has not run", id="sweeper gone"),
    ],
)
def test_readyz_names_what_is_not_ready_and_why(
    client, all_well, monkeypatch, target, name, replacement, not_ready, reason
):
    with monkeypatch.context() as broken:
        broken.setattr(target, name, replacement)
        answer = client.get("/readyz")

    assert answer.status_code == 503
    body = answer.json()
    assert (body["status"], body["not_ready"]) == ("not ready", not_ready)
    assert reason in body["checks"][not_ready[0]]["reason"]
    assert [name for name, check in body["checks"].items() if not check["ready"]] == not_ready


def test_readyz_is_200_if_the_sweeper_ran_within_15_s(client, all_well, monkeypatch):
    monkeypatch.setattr(sweep_memory, "last_sweep", lambda: time.time() - 14)

    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("every_s", "ago_s", "code"),
    [
        pytest.param(20, 59, 200, id="two sweeps that come every 20 s were missed"),
        pytest.param(20, 61, 503, id="the third one too"),
        pytest.param(0.5, 14, 200, id="never less than 15 s"),
    ],
)
def test_a_sweep_may_be_late_by_three_of_its_intervals_but_at_least_15_s(
    client, all_well, monkeypatch, settings, every_s, ago_s, code
):
    settings.SCANNER_SWEEP_S = every_s
    monkeypatch.setattr(sweep_memory, "last_sweep", lambda: time.time() - ago_s)

    assert client.get("/readyz").status_code == code


def test_readyz_says_when_the_alarm_path_was_proven(client, all_well):
    now = timezone.now()
    _drill(ended_at=now - timedelta(hours=3), proven=True)

    answer = client.get("/readyz").json()

    assert (answer["alarm_path"], answer["warnings"]) == ("alarm path proven 3 h ago", [])


def test_readyz_warns_of_a_drill_that_failed_and_names_no_host_to_strangers(client, all_well):
    now = timezone.now()
    _drill(ended_at=now - timedelta(hours=3), proven=True)
    _drill(ended_at=now - timedelta(hours=1), failed_step="notice", detail="not sent by mail: 10.1.2.3 is away")

    answer, strangers = client.get("/readyz"), Client().get("/readyz")

    sentence = "the drill 1 h ago failed at notice: not sent by mail: 10.1.2.3 is away; alarm path last proven 3 h ago"
    assert answer.status_code == 200
    assert (answer.json()["alarm_path"], answer.json()["warnings"]) == (sentence, [sentence])
    assert strangers.json()["alarm_path"] == sentence.replace("10.1.2.3", "…")


def _drill(**values):
    at = values["ended_at"]
    Drill.objects.create(scheduled=False, actor="olga", began_at=at, seen_at=at, **values)


@pytest.mark.parametrize(
    ("off_s", "warnings"),
    [
        pytest.param(1.0, [], id="a second"),
        pytest.param(1.2, ["Worker main@a: its clock is 1.2 s ahead of the database's."], id="ahead"),
        pytest.param(-3.0, ["Worker main@a: its clock is 3.0 s behind the database's."], id="behind"),
    ],
)
def test_a_worker_whose_clock_is_more_than_a_second_off_is_a_warning(client, all_well, monkeypatch, off_s, warnings):
    monkeypatch.setattr(
        heartbeats, "read_all", lambda: ALL_ROLES | {"main@a": Heartbeat(role="main", clock_ahead_s=7 + off_s)}
    )
    # The clock of this process differs from the broker's by the same 7 s, so it does not count.
    monkeypatch.setattr(heartbeats, "clock_ahead_s", lambda: 7.0)
    monkeypatch.setattr(clocks, "database_ahead_s", lambda: 0.0)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["warnings"] == warnings


@pytest.mark.parametrize(
    ("beat", "warnings"),
    [
        pytest.param({"state": FeedState.LIVE}, [], id="live"),
        pytest.param({"state": FeedState.CATCHING_UP}, [], id="catching up"),
        pytest.param(
            {"state": FeedState.DOWN, "last_error": "10.1.2.3 refused"},
            ["Live feed binance is down: 10.1.2.3 refused."],
            id="down",
        ),
        pytest.param(None, ["Live feed binance is down: no process runs it (manage.py feed)."], id="no process"),
    ],
)
def test_a_feed_in_trouble_is_a_warning_and_never_a_503(client, all_well, monkeypatch, beat, warnings):
    Feed.objects.create(name="binance", venue="binance", entry="BTCUSDT@1m")
    found = {} if beat is None else {"binance": live_feeds.Heartbeat(at=timezone.now(), venue="binance", **beat)}
    monkeypatch.setattr(live_feeds, "read", lambda _: found)

    answer, strangers = client.get("/readyz"), Client().get("/readyz")

    assert (answer.status_code, answer.json()["warnings"]) == (200, warnings)
    assert strangers.json()["warnings"] == [one.replace("10.1.2.3", "…") for one in warnings]


def test_readyz_reports_an_unreachable_broker_within_seconds(client, db, real_writes, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1"  # nobody listens on port 1
    begin = time.monotonic()

    answer = client.get("/readyz")

    assert answer.json()["not_ready"] == ["broker", "workers"]
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_addresses_allow_only_reading(client, path):
    assert client.post(path).status_code == 405


def test_a_503_of_readyz_is_not_logged_as_an_error(client, all_well, monkeypatch, caplog):
    monkeypatch.setattr(heartbeats, "read_all", dict)

    assert client.get("/readyz").status_code == 503
    assert not [record for record in caplog.records if record.name == "django.request"]
