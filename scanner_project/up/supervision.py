"""Supervisor as a child process, and the calls to it through its socket."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from scanner_project.up.errors import CannotStart

UNANSWERED = (OSError, HTTPException, Error)
"""The errors of a call while supervisor has not started yet, or has ended."""

START_PATIENCE_S = 60.0
"""Longest wait for supervisor, which first imports what its programs share: seconds on a slow disk."""

LOOK_S = 0.05

ANSWER_S = 5.0
"""Longest wait for an answer of supervisor, which takes milliseconds while nothing is wrong."""

MOST_OF_STDERR = 65_536
"""Bytes that are kept of what supervisor writes to standard error: a traceback, if it dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildState:
    """One program as supervisor sees it."""

    name: str
    group: str
    pid: int  # 0: it does not run
    state: str  # STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL, ...
    started_at: int  # unix s; 0: never
    reason: str  # why it could not be started, in supervisor's words
    log: str


class Supervisor:
    """One supervisord and its programs."""

    def __init__(self, *, configuration: Path, socket_file: Path, environment: Mapping[str, str]) -> None:
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
        self._socket_file = socket_file
        # Read by a thread: if nobody read the pipe, supervisor would stop once it is full, and everything with it.
        self._stderr = bytearray()
        self._reader = threading.Thread(target=self._read_stderr, name="supervisor's stderr", daemon=True)
        self._reader.start()

    def wait_until_up(self) -> None:
        """Wait until supervisord answers. Raises CannotStart if it ends instead."""
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None:
                self._reader.join(ANSWER_S)
                raise CannotStart(f"supervisor ended at once: {self.last_words or f'see {self.log}'}")
            if time.monotonic() > deadline:
                raise CannotStart(f"supervisor did not answer within {START_PATIENCE_S:.0f} s; see {self.log}")
            time.sleep(LOOK_S)

    def start(self, group: str) -> None:
        """Start a group's programs, without waiting; nothing if supervisord has just ended, which `ended` reports.

        If supervisord does not answer, `start_again` starts them later.
        """
        with suppress(*UNANSWERED):
            self._ask("startProcessGroup", group, False)

    def start_again(self, child: ChildState) -> None:
        """Start one program that supervisor has given up, or has not started."""
        with suppress(*UNANSWERED):  # it may have been started meanwhile, which is a Fault
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
                pid=row["pid"],
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

    @property
    def last_words(self) -> str:
        """The last line that supervisord wrote to standard error; empty if there is none."""
        return _last_line(self._stderr.decode(errors="replace").strip())

    def kill(self) -> None:
        """End a supervisord that hangs. What it ran is left behind."""
        self.process.kill()

    def stop(self, *, patience_s: float, meanwhile: Callable[[], None]) -> bool:
        """Have supervisord stop everything in order; `meanwhile` is called while it does. False: it took too long."""
        self.process.terminate()
        self.process.send_signal(signal.SIGCONT)  # a stopped process gets its signals when it goes on
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
        with ServerProxy("http://127.0.0.1", transport=_Transport(self._socket_file)) as proxy:
            return getattr(proxy.supervisor, method)(*args)

    def _read_stderr(self) -> None:
        while self.process.stderr and (text := os.read(self.process.stderr.fileno(), 4096)):
            self._stderr += text
            del self._stderr[:-MOST_OF_STDERR]


class _Transport(SupervisorTransport):  # type: ignore[misc] # supervisor has no types
    """Supervisor's transport, with a time limit."""

    def __init__(self, socket_file: Path) -> None:
        super().__init__(None, None, f"unix://{socket_file}")
        self._get_connection = lambda: _Connection(socket_file)


class _Connection(HTTPConnection):
    """HTTP over a Unix socket, like supervisor's own connection, but with a time limit."""

    def __init__(self, socket_file: Path) -> None:
        super().__init__("localhost")
        self._socket_file = socket_file

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_S)
        self.sock.connect(str(self._socket_file))


def _last_line(text: str) -> str:
    return text.splitlines()[-1] if text else ""
