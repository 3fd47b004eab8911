"""Whether database and broker take a write just now, and if not, why, in words.

That they answer is not enough: a full disk, a read-only database and a full broker answer, and no bar gets any further.
Each process tries a small write of its own at most once in LIFE_S, however many ask.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis
import structlog
from django.db import connection, transaction
from django.utils import timezone

from scanner_app.domain import wording
from scanner_app.messaging import redis_client, sweep_memory
from scanner_app.models import WriteCheck

log = structlog.get_logger(__name__)

LIFE_S = 1.5
"""How long a result is used."""

PATIENCE_MS = 2_000
"""The longest that the database may take for the write, waits for locks included."""

NO_ANSWER = "The broker does not answer"
"""How a broker's problem begins if it may not run at all."""

WRITTEN_KEY = "scanner:write-check"
WRITTEN_TTL_S = 60

DATABASE_CAUSES = {
    "readonly database": "its file or its disk is read-only",
    "read-only": "it is read-only (default_transaction_read_only), or a replica",
    "disk is full": "its disk is full",
    "No space left": "its disk is full",
    "disk I/O error": "its disk fails (disk I/O error)",
    "unable to open": "its file can't be opened",
    "locked": f"somebody has locked it for more than {PATIENCE_MS / 1000:g} s",
    "timeout": f"it has not finished a small write within {PATIENCE_MS / 1000:g} s",
}
"""A part of the error's text, and what it means; the first that fits counts. SQLite and PostgreSQL."""

BROKER_CAUSES = {
    "OutOfMemoryError": "its memory is full (maxmemory)",
    "OOM": "its memory is full (maxmemory)",
    "ReadOnlyError": "it is a read-only replica",
    "MISCONF": "it can't save to its disk (MISCONF)",
    "NOREPLICAS": "too few of its replicas are there (NOREPLICAS)",
    "NoPermissionError": "our user may not write (NOPERM)",
}
"""The same for the broker, by the error's class or the first word of its text. What is not here is no answer at all."""


class Check:
    """A check whose result is used for LIFE_S. One thread makes the next one; meanwhile the others get the last."""

    def __init__(self, find: Callable[[], str]) -> None:
        self._find = find
        self._result = ""
        self._good_until = float("-inf")
        self._making = threading.Lock()

    def __call__(self) -> str:
        """What is wrong, as a sentence without its full stop; empty: nothing."""
        known = self._good_until > float("-inf")
        if time.monotonic() < self._good_until or not self._making.acquire(blocking=not known):
            return self._result
        try:
            if time.monotonic() >= self._good_until:
                self._result = self._find()
                self._good_until = time.monotonic() + LIFE_S
            return self._result
        finally:
            self._making.release()

    def forget(self) -> None:
        """Have the next call look again. For tests."""
        self._good_until = float("-inf")


def database_cause(error: BaseException) -> str:
    """Why the database did not take a write, in words."""
    text = str(error)
    for part, cause in DATABASE_CAUSES.items():
        if part in text:
            return cause
    return wording.error_line(type(error).__name__, text.split("\n", maxsplit=1)[0]).rstrip(".")


def broker_cause(error: redis.RedisError) -> str:
    """Why the broker refused a write, in words; empty if it did not answer at all."""
    return BROKER_CAUSES.get(type(error).__name__) or BROKER_CAUSES.get(str(error).partition(" ")[0], "")


def write_to_broker() -> None:
    """Write a small key with a lifetime. Raises what the client raises."""
    redis_client.client().set(WRITTEN_KEY, int(time.time()), ex=WRITTEN_TTL_S)


def write_to_database() -> None:
    """Write one small row and commit it. Raises what the database raises, after PATIENCE_MS at the latest."""
    with _short_patience(), transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}; SET LOCAL lock_timeout = {PATIENCE_MS}")
        now = timezone.now()
        if not WriteCheck.objects.filter(pk=WriteCheck.THE_ROW).update(at=now):
            WriteCheck.objects.bulk_create([WriteCheck(pk=WriteCheck.THE_ROW, at=now)], ignore_conflicts=True)


@contextmanager
def _short_patience() -> Iterator[None]:
    """On SQLite the wait for the lock is the connection's: shorter for this write."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        usual_ms = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout={usual_ms}")


def _database() -> str:
    try:
        write_to_database()
    except Exception as exc:  # noqa: BLE001 - whatever it is, no write got through
        log.warning("no_write", where="database", error=str(exc))
        return f"The database takes no writes: {database_cause(exc)}"
    return ""


def _broker() -> str:
    try:
        write_to_broker()
    except redis.RedisError as exc:
        log.warning("no_write", where="broker", error=str(exc))
        if cause := broker_cause(exc):
            return f"The broker takes no writes: {cause}"
        return f"{NO_ANSWER}: {wording.error_line(type(exc).__name__, str(exc)).rstrip('.')}"
    return ""


def _workers() -> str:
    try:
        delivery = sweep_memory.unstored()
    except redis.RedisError:
        return ""  # the broker's own check says so
    if not delivery:
        return ""
    return f"A worker can't read or store what a bar needs, run after run ({delivery}): see its log"


database_problem = Check(_database)
"""Why the database takes no writes; empty: it does."""

broker_problem = Check(_broker)
"""Why the broker takes no writes; empty: it does."""

workers_problem = Check(_workers)
"""That a worker's own reads or writes fail although ours do not; empty: they do not."""


def forget() -> None:
    """Have all checks look again. For tests."""
    for check in (database_problem, broker_problem, workers_problem):
        check.forget()
