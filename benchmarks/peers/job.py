"""The job that every engine here does for a bar: store its result and move its symbol's status. No Django.

One statement, committed by itself. The tables accept everything: a bar that runs twice leaves two rows and one that
runs too early a row out of place, so that what an engine does not guarantee can be counted afterwards. (A unique
constraint would turn a doubled bar into an error; against lost and overtaken bars no constraint helps.)
"""

import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import psycopg

DELAYS_S = (1, 2, 4, 8, 16, 30)
"""Before the retries of a bar, as the scanner has them."""

LIMIT_S = 15
"""For one run, where the engine has time limits: the scanner's hard limit."""

SLOTS = 4
"""Bars that may run at a time."""

SCHEMA = """
    CREATE TABLE peer_status (
        symbol text PRIMARY KEY,
        processed bigint NOT NULL DEFAULT 0,
        last_number bigint NOT NULL DEFAULT 0,
        updated_at timestamptz
    );
    CREATE TABLE peer_result (
        symbol text NOT NULL,
        position bigint NOT NULL, -- given out under the lock of the status row: the order in which bars were done
        number bigint NOT NULL,
        accepted_at timestamptz NOT NULL,
        finished_at timestamptz NOT NULL,
        PRIMARY KEY (symbol, position)
    );
"""

STATEMENT = """
    WITH moved AS (
        UPDATE peer_status
           SET processed = processed + 1, last_number = %(number)s::bigint, updated_at = clock_timestamp()
         WHERE symbol = %(symbol)s
        RETURNING symbol, processed
    )
    INSERT INTO peer_result (symbol, position, number, accepted_at, finished_at)
    SELECT symbol, processed, %(number)s::bigint, to_timestamp(%(accepted_at)s), clock_timestamp() FROM moved
"""


class Unwell(Exception):
    """The bar fails this time: it was made so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What is sent for a bar: which one, not its prices, which the job does not look at."""

    symbol: str
    number: int  # per symbol, from 1, in the order of acceptance
    accepted_at: float  # unix s
    fails: int = 0  # so many of its runs, before one succeeds

    @classmethod
    def of(cls, message: dict[str, Any]) -> Self:
        """The bar that a message is about."""
        return cls(**message)

    @property
    def message(self) -> dict[str, Any]:
        """As it goes through a broker."""
        return asdict(self)

    @property
    def values(self) -> dict[str, Any]:
        """For the statement."""
        return {"symbol": self.symbol, "number": self.number, "accepted_at": self.accepted_at}

    def check(self, attempt: int) -> None:
        """Raise Unwell if the bar fails this time; attempts count from 1."""
        if attempt <= self.fails:
            raise Unwell(f"{self.symbol} {self.number} fails {self.fails} times")


def process(bar: Bar, *, attempt: int) -> None:
    """Do the job, on this thread's connection."""
    bar.check(attempt)
    _connection().execute(STATEMENT, bar.values)


_own = threading.local()


def _connection() -> psycopg.Connection[Any]:
    """Kept by a thread, in the process that opened it: a connection must not pass through a fork."""
    if getattr(_own, "pid", None) != os.getpid() or _own.connection.closed:
        _own.pid, _own.connection = os.getpid(), psycopg.connect(database(), autocommit=True)
    connection: psycopg.Connection[Any] = _own.connection
    return connection


def database() -> str:
    """URL of the database of this turn."""
    return os.environ["PEERS_DATABASE"]


def folder() -> Path:
    """Folder of this turn."""
    return Path(os.environ["PEERS_FOLDER"])


def redis_socket() -> str:
    """The broker's, which is empty at the beginning of a turn."""
    return str(folder() / "redis.sock")


def redis_url() -> str:
    """The same as redis-py's from_url wants it."""
    return f"unix://{redis_socket()}"
