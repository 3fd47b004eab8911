"""What each kind of fault does to the scanner's processes."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import redis

from scanner_app.tools.chaos.plan import Fault, Kind
from scanner_app.tools.chaos.stack import OwnDatabase, Stack, wait_until

BROKER_BACK_S = 20.0


class Faults:
    """Injects faults into one stack. `add_queues` posts bars of the added symbols, so that their queues are used."""

    def __init__(self, stack: Stack, database: OwnDatabase | None, seed: int, add_queues: Callable[[], None]) -> None:
        """`database` is None for SQLite. The seed chooses among a worker's children."""
        self._stack = stack
        self._database = database
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._add_queues = add_queues

    def strike(self, fault: Fault) -> bool:
        """Inject the fault; returns when it is over, before the scanner has recovered. False: no process was hit."""
        act: dict[Kind, Callable[[Fault], bool | None]] = {
            Kind.KILL_CHILD: self._kill_children,
            Kind.KILL_PARENT: lambda fault: _kill(self._stack.pid(_worker(fault))),
            Kind.KILL_WORKER: lambda fault: _kill_group(self._stack.pid(_worker(fault))),
            Kind.KILL_BEAT: lambda _: _kill(self._stack.pid("beat")),
            Kind.KILL_WEB: lambda _: _kill_group(self._stack.pid("web")),
            Kind.STOP_BROKER: lambda fault: self._broker_away(signal.SIGTERM, fault.lasts_s),
            Kind.KILL_BROKER: lambda fault: self._broker_away(signal.SIGKILL, fault.lasts_s),
            Kind.EMPTY_BROKER: lambda _: self._empty_broker(),
            Kind.DROP_CONNECTIONS: self._drop_connections,
            Kind.CUT_DATABASE: self._cut_database,
        }
        return act[fault.kind](fault) is not False

    def _kill_children(self, fault: Fault) -> bool:
        children = self._stack.children(_worker(fault))
        victims = self._dice.sample(sorted(children), min(fault.times, len(children)))
        killed = [_kill(pid) for pid in victims]
        return any(killed)

    def _empty_broker(self) -> None:
        with closing(self._stack.broker()) as broker:
            broker.flushall()

    def _broker_away(self, number: signal.Signals, lasts_s: float) -> None:
        self._stack.end("broker", number)
        time.sleep(lasts_s)
        self._stack.start("broker")
        wait_until(lambda: self._stack.broker().ping(), "the broker is back", BROKER_BACK_S)

    def _drop_connections(self, fault: Fault) -> None:
        self._add_queues()
        for _ in range(fault.times):
            with suppress(redis.RedisError), closing(self._stack.broker()) as broker:
                broker.client_kill_filter(_type="normal", skipme=True)
            time.sleep(fault.lasts_s / fault.times)
        self._add_queues()

    def _cut_database(self, fault: Fault) -> None:
        if self._database is not None:
            deadline = time.monotonic() + fault.lasts_s
            while time.monotonic() < deadline:
                with suppress(psycopg.Error):
                    self._database.cut()
                time.sleep(0.3)
            return
        _hold_write_lock(self._stack.folder / "scanner.sqlite3", fault.lasts_s)


def _worker(fault: Fault) -> str:
    return f"worker-{fault.worker}"


def _hold_write_lock(file: Path, seconds: float) -> None:
    """Hold SQLite's write lock for so long, so that no other process can write."""
    with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")


def _kill(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _kill_group(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
        return True
    return False
