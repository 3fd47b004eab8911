"""Supervisor as a child process, and the calls to it through its socket."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from scanner_project.up.errors import CannotStart

UNANSWERED = (OSError, HTTPException, Error)
"""The errors of a call while supervisor has not started yet, or has ended."""

START_PATIENCE_S = 15.0
LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildState:
    """One program as supervisor sees it."""

    name: str
    group: str
    state: str  # STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL, ...
    started_at: int  # unix s; 0: never
    reason: str  # why it could not be started, in supervisor's words
    log: str


class Supervisor:
    """One supervisord and its programs."""

    def __init__(self, *, configuration: Path, socket: Path, environment: Mapping[str, str]) -> None:
        """Start supervisord; nothing runs under it yet."""
        self._folder = configuration.parent
        self.log = self._folder / "logs" / "supervisord.log"
        # In a session of its own, so that Ctrl-C reaches only this process, which then stops everything in order.
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            [sys.executable, "-m", "scanner_project.up.supervised", str(configuration), str(os.getpid())],
            cwd=self._folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._socket = socket

    def wait_until_up(self) -> None:
        """Wait until supervisord answers. Raises CannotStart if it ends instead."""
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None:
                error = self.process.stderr.read().decode(errors="replace").strip() if self.process.stderr else ""
                raise CannotStart(f"supervisor ended at once: {_last_line(error) or f'see {self.log}'}")
            if time.monotonic() > deadline:
                raise CannotStart(f"supervisor did not answer within {START_PATIENCE_S:.0f} s; see {self.log}")
            time.sleep(LOOK_S)

    def start(self, group: str) -> None:
        """Start a group's programs, without waiting; nothing if supervisord has just ended, which `ended` reports."""
        with suppress(OSError, HTTPException):
            self._ask("startProcessGroup", group, False)

    def start_again(self, child: ChildState) -> None:
        """Start one program that supervisor has given up."""
        with suppress(Fault):  # it has been started meanwhile
            self._ask("startProcess", f"{child.group}:{child.name}", False)

    def children(self) -> list[ChildState]:
        """Every program as it is now; empty when supervisord does not answer, for example because it stops."""
        try:
            rows = self._ask("getAllProcessInfo")
        except UNANSWERED:
            return []
        return [
            ChildState(
                name=row["name"],
                group=row["group"],
                state=row["statename"],
                started_at=row["start"],
                reason=row["spawnerr"],
                log=str(self._folder / row["stdout_logfile"]),
            )
            for row in rows
        ]

    @property
    def ended(self) -> bool:
        """Whether supervisord is gone."""
        return self.process.poll() is not None

    def stop(self, *, patience_s: float, meanwhile: Callable[[], None]) -> bool:
        """Have supervisord stop everything in order; `meanwhile` is called while it does. False: it took too long."""
        self.process.terminate()
        deadline = time.monotonic() + patience_s
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                return False
            meanwhile()
            time.sleep(LOOK_S)
        return True

    def _answers(self) -> bool:
        try:
            return bool(self._ask("getState")["statename"] == "RUNNING")
        except UNANSWERED:
            return False

    def _ask(self, method: str, *args: Any) -> Any:
        # A new connection each time, since one that has failed can't be used again.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*args)


def _last_line(text: str) -> str:
    return text.splitlines()[-1] if text else ""
