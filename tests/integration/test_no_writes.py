"""A running scanner whose broker or database answers but takes no writes: said in ten seconds, over by itself."""

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
import redis

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import fresh_tickers, in_turns
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WITHIN_S = 10


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scanner of its own, since it loses its database and its broker."""
    with running_stack(tmp_path_factory.mktemp("n"), request.param) as running:
        yield running


def verdict(stack: Stack) -> tuple[str, str]:
    status = stack.status()
    return status["overall_status"], " ".join(status["reasons"])


def is_said_within_ten_seconds(stack: Stack, cause: str, check: str) -> None:
    began = time.monotonic()
    wait_until(lambda: cause in verdict(stack)[1], cause, deadline_s=WITHIN_S)
    assert verdict(stack)[0] == "unhealthy"
    answer = stack.get("/readyz")
    assert (answer.status_code, check in answer.json()["not_ready"]) == (503, True)
    assert cause in answer.json()["checks"][check]["reason"]
    assert time.monotonic() - began < WITHIN_S


def is_worked_off(stack: Stack) -> bool:
    """Whether no bar waits. A worker that its watchdog has ended is started anew, as its process manager does."""
    for name in ("main", "slow", "upkeep", "notify"):
        if stack.processes[name].poll() is not None:
            stack.start_worker(name, name, processes=1)
    return bool(stack.status()["backlog"] == 0)


def goes_on(stack: Stack, ticker: str) -> None:
    """A bar is accepted and done, and the status is healthy again."""
    wait_until(lambda: stack.http.post("bars", json=in_turns([ticker], 1)).status_code == 202, "a bar is accepted")
    wait_until(lambda: is_worked_off(stack), "the backlog is worked off", deadline_s=90)
    wait_until(lambda: verdict(stack)[0] == "healthy", "all is well", deadline_s=90)


@pytest.mark.parametrize(
    ("harm", "mend", "cause"),
    [
        pytest.param(
            lambda broker: broker.config_set("maxmemory", "1"),
            lambda broker: broker.config_set("maxmemory", "0"),
            "its memory is full (maxmemory)",
            id="full",
        ),
        pytest.param(
            lambda broker: broker.replicaof("127.0.0.1", 1),
            lambda broker: broker.replicaof("NO", "ONE"),
            "it is a read-only replica",
            id="read-only",
        ),
    ],
)
def test_a_broker_that_takes_no_writes(
    stack: Stack, harm: Callable[[redis.Redis], object], mend: Callable[[redis.Redis], object], cause: str
) -> None:
    broker = redis.Redis.from_url(stack.redis.url)
    harm(broker)
    try:
        is_said_within_ten_seconds(stack, f"The broker takes no writes: {cause}", "broker")
    finally:
        mend(broker)

    goes_on(stack, *fresh_tickers(1))


def test_a_postgresql_that_is_made_read_only(stack: Stack) -> None:
    if not stack.env["DATABASE_URL"]:
        pytest.skip("a setting of PostgreSQL")
    name = stack.env["DATABASE_URL"].partition("?")[0].rpartition("/")[2]

    def make_read_only(on: str) -> None:
        """For connections that are there already, too: they are ended."""
        with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {on}')
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [name],
            )

    make_read_only("on")
    try:
        is_said_within_ten_seconds(stack, "The database takes no writes: it is read-only", "database")
    finally:
        make_read_only("off")

    goes_on(stack, *fresh_tickers(1))
