"""Health means "could work just now": real databases and brokers that answer and take no writes."""

import threading
from datetime import timedelta

import pytest
import redis
from django.db import connection, transaction

from scanner_app.messaging import redis_client, sweep_memory
from scanner_app.models import WriteCheck
from scanner_app.reading import readiness, status, write_checks
from tests.conftest import T0
from tests.servers import RedisServer


@pytest.fixture
def redis_server(tmp_path, settings):
    server = RedisServer(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    redis_client.forget()
    yield server
    server.stop()
    redis_client.forget()


def seen() -> tuple[str, str]:
    """The overall status, and its reasons as one text."""
    whole = status.overview(T0)
    return whole.overall_status, " ".join(whole.reasons)


pytestmark = pytest.mark.usefixtures("real_writes")


@pytest.mark.django_db(transaction=True)
def test_while_both_take_writes_all_is_well_and_the_write_was_real(redis_server):
    assert seen() == ("healthy", "")
    assert WriteCheck.objects.count() == 1
    assert 0 < redis_client.client().ttl(write_checks.WRITTEN_KEY) <= write_checks.WRITTEN_TTL_S


# ------------------------------------------------------------------------------------- the broker


def make_full(client):
    client.config_set("maxmemory", "1")


def make_read_only(client):
    client.replicaof("127.0.0.1", 1)  # of a master that is not there


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("harm", "cause"),
    [
        pytest.param(make_full, "takes no writes: its memory is full (maxmemory)", id="OOM"),
        pytest.param(make_read_only, "takes no writes: it is a read-only replica", id="READONLY"),
    ],
)
def test_a_broker_that_answers_but_takes_no_writes_is_not_ready_and_not_healthy(redis_server, harm, cause):
    harm(redis_client.client())

    verdict, reasons = seen()

    assert redis_client.client().ping()
    assert (verdict, reasons) == ("unhealthy", f"The broker {cause}. Bars are accepted, and wait.")
    assert readiness.check().checks["broker"] == f"The broker {cause}"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist", "MISCONF"),
        ("NOREPLICAS Not enough good replicas to write.", "too few of its replicas"),
        ("ERR unknown", ""),
    ],
)
def test_the_first_word_of_a_refusal_says_why(error, cause):
    found = write_checks.broker_cause(redis.ResponseError(error))

    assert cause in found
    assert bool(cause) == bool(found)


@pytest.mark.django_db
def test_a_broker_that_is_away_is_named_at_once(redis_server):
    redis_server.kill()

    verdict, reasons = seen()

    assert verdict == "unhealthy"
    assert reasons.startswith("The broker does not answer: ConnectionError")


@pytest.mark.django_db
def test_a_bar_that_its_worker_cannot_store_run_after_run_shows_within_seconds(redis_server):
    sweep_memory.mark_outage("TSLA-7-e0/0")
    assert seen() == ("healthy", ""), "one outage may be a connection that was closed"

    sweep_memory.mark_outage("TSLA-7-e0/0")

    verdict, reasons = seen()
    assert verdict == "degraded"
    assert "can't read or store what a bar needs, run after run (TSLA-7-e0/0)" in reasons
    assert 0 < redis_client.client().ttl(sweep_memory.UNSTORED_KEY) <= sweep_memory.UNSTORED_TTL_S


# ----------------------------------------------------------------------------------- the database


def on_sqlite_only():
    if connection.vendor != "sqlite":
        pytest.skip("a pragma of SQLite")


@pytest.fixture
def pragma():
    """Set a pragma of SQLite for the length of the test."""
    on_sqlite_only()
    undo = []

    def set_to(name, value, back):
        undo.append(f"PRAGMA {name}={back}")
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {name}={value}")

    yield set_to
    with connection.cursor() as cursor:
        for statement in undo:
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_read_only_database_is_not_ready_and_not_healthy(redis_server, pragma):
    pragma("query_only", "ON", "OFF")

    verdict, reasons = seen()

    assert verdict == "unhealthy"
    assert reasons == (
        "The database takes no writes: its file or its disk is read-only. No bar is accepted or finished until it does."
    )
    assert readiness.check().checks["database"].endswith("its file or its disk is read-only")


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_named(redis_server, pragma):
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute("CREATE TABLE filler (text)")
    pragma("max_page_count", pages + 1, 1_073_741_823)
    try:
        with pytest.raises(Exception, match="full") as full, connection.cursor() as cursor:
            cursor.execute("INSERT INTO filler VALUES (zeroblob(1000000))")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE filler")

    assert write_checks.database_cause(full.value) == "its disk is full"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_somebody_has_locked_is_named_and_the_look_ends(redis_server, monkeypatch):
    on_sqlite_only()
    monkeypatch.setattr(write_checks, "PATIENCE_MS", 100)
    locked, release = threading.Event(), threading.Event()

    def lock():
        with transaction.atomic():
            locked.set()
            release.wait(10)
        connection.close()

    thread = threading.Thread(target=lock)
    thread.start()
    assert locked.wait(5)
    try:
        reasons = seen()[1]
    finally:
        release.set()
        thread.join()

    assert "The database takes no writes: somebody has locked it" in reasons
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] > 1000, "the usual patience is back"


@pytest.mark.django_db(transaction=True)
def test_postgresql_that_is_read_only_is_named(redis_server):
    if connection.vendor != "postgresql":
        pytest.skip("a setting of PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        reasons = seen()[1]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")

    assert reasons.startswith("The database takes no writes: it is read-only (default_transaction_read_only)")


# ------------------------------------------------------------------------------------- the memory


def test_however_many_ask_the_result_is_found_once_in_its_life(monkeypatch):
    monkeypatch.setattr(write_checks, "LIFE_S", 60)
    found = []

    def find():
        found.append(1)
        return "full"

    check = write_checks.Check(find)

    assert [check() for _ in range(5)] == ["full"] * 5
    assert len(found) == 1

    check.forget()
    check()
    assert len(found) == 2


def test_while_one_looks_the_others_get_the_last_result(monkeypatch):
    monkeypatch.setattr(write_checks, "LIFE_S", -1)
    begun, go_on = threading.Event(), threading.Event()
    answers = iter(["fine", "full"])

    def find():
        answer = next(answers)
        if answer == "full":
            begun.set()
            go_on.wait(10)
        return answer

    check = write_checks.Check(find)
    assert check() == "fine"
    thread = threading.Thread(target=check)
    thread.start()
    assert begun.wait(5)

    assert check() == "fine"

    go_on.set()
    thread.join()


def test_status_notices_within_ten_seconds():
    longest_s = write_checks.LIFE_S + write_checks.PATIENCE_MS / 1000 + redis_client.READ_TIMEOUT_S

    assert timedelta(seconds=longest_s) < timedelta(seconds=10)
