"""Ends what hangs, so that supervisor starts it again."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import redis

from scanner_project.up import broker_files, leftovers
from scanner_project.up.programs import SERVER
from scanner_project.up.pulses import FROZEN_S, Pulses
from scanner_project.up.supervision import ChildState, Supervisor
from scanner_project.up.watch import Asking

DEAF_S = 30.0
"""The bundled server, or supervisor, that answers nothing for so long is ended. A slow disk makes the server wait."""

PING_TIMEOUT_S = 2.0


class Doctor:
    """Watches the processes of a run from outside."""

    def __init__(self, data_dir: Path, pulses: Pulses, supervisor: Supervisor, *, bundled_server: str) -> None:
        """`bundled_server` is the address of the bundled server; empty if there is none."""
        self._data_dir = data_dir
        self._pulses = pulses
        self._supervisor = supervisor
        self._server_log = data_dir / "logs" / f"{SERVER}.log"
        self._supervisor_heard_s = time.monotonic()
        self._server_heard_s = time.monotonic()
        self._server = Asking(lambda: _answers(bundled_server), every_s=PING_TIMEOUT_S) if bundled_server else None

    def look(self, children: list[ChildState]) -> Iterator[str]:
        """End what hangs; one sentence for each. `children` is empty if supervisor did not answer."""
        now_s = time.monotonic()
        names = {child.pid: child.name for child in children if child.pid}
        names[self._supervisor.process.pid] = "supervisor"
        if silent := self._pulses.silent():
            living = {each.pid: each.parent for each in leftovers.find(self._data_dir)}
            for pid in set(silent) & living.keys():
                name = names.get(pid) or names.get(living[pid], "")
                _kill(pid)
                yield f"{name or 'A process'} (process {pid}) was frozen for {FROZEN_S:.0f} s and was killed."
        if children:
            self._supervisor_heard_s = now_s
        elif now_s - self._supervisor_heard_s > DEAF_S and not self._supervisor.ended:
            self._supervisor.kill()
            yield f"Supervisor answered nothing for {DEAF_S:.0f} s and was killed."
        yield from self._look_at_server(children, now_s)

    def _look_at_server(self, children: list[ChildState], now_s: float) -> Iterator[str]:
        """The bundled server sends no pulse; it is asked for an answer."""
        if self._server is None:
            return
        running = [child for child in children if child.name == SERVER and child.state == "RUNNING"]
        if children and not running and (sentence := broker_files.put_aside(self._data_dir, self._server_log)):
            yield sentence  # supervisor starts it again, or we do if supervisor has given it up
        if self._server.take() or not running:
            self._server_heard_s = now_s
        elif now_s - self._server_heard_s > DEAF_S:
            self._server_heard_s = now_s
            _kill(running[0].pid)
            yield f"{SERVER} answered nothing for {DEAF_S:.0f} s and was killed."


def _kill(pid: int) -> None:
    """Kill a process; if it leads a group (as all do that supervisor starts), its children too."""
    with suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=PING_TIMEOUT_S, socket_connect_timeout=PING_TIMEOUT_S) as server:
            server.ping()
    except redis.ResponseError:  # it is loading its file, or can't write it: it is alive
        return True
    except (redis.RedisError, OSError):
        return False
    return True
