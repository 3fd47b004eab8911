"""Processes of an earlier run that outlived it, for example because supervisor was killed.

Every process of a run has DATA_DIR in the environment variable programs.MARKER, which Linux shows in /proc. The bundled
server overwrites it with its title, so it is recognized by its folder. Without /proc nothing is found.
"""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scanner_project.up.programs import MARKER

PROC = Path("/proc")
LOOK_S = 0.1

SERVER_BINARY = "valkey-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A process of a run."""

    pid: int
    parent: int
    command: str
    is_server: bool  # the bundled server, which the others need until they have ended


def find(data_dir: Path) -> list[Leftover]:
    """Every living process of a run in this DATA_DIR, except this process and its ancestors."""
    mark = os.fsencode(f"{MARKER}={data_dir}")
    found = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):  # it ended meanwhile, or is another user's
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            is_server = SERVER_BINARY in command and (folder / "cwd").readlink() == data_dir
            if not is_server and mark not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            state, parent = _state_and_parent(folder)
            if state not in "ZX":
                found.append(Leftover(pid=int(folder.name), parent=parent, command=command, is_server=is_server))
    ours = _ancestors()
    return [each for each in found if each.pid not in ours]


def stop(data_dir: Path, *, patience_s: float) -> None:
    """End the processes that are left of a run, the server last. For `patience_s` they may finish their bars."""
    _stop([each for each in find(data_dir) if not each.is_server], data_dir, patience_s=patience_s)
    _stop(find(data_dir), data_dir, patience_s=patience_s)


def _stop(left: list[Leftover], data_dir: Path, *, patience_s: float) -> None:
    pids = {each.pid for each in left}
    for each in left:
        if each.parent not in pids:  # a parent ends its own children once they have finished
            _signal(each.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while remaining := [each for each in find(data_dir) if each.pid in pids]:
        if time.monotonic() > deadline:
            for each in remaining:
                _signal(each.pid, signal.SIGKILL)
            return
        time.sleep(LOOK_S)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _state_and_parent(folder: Path) -> tuple[str, int]:
    # "pid (name) state parent ...", and the name may contain anything
    fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return fields[0], int(fields[1])


def _ancestors() -> set[int]:
    pids, pid = set(), os.getpid()
    while pid > 0 and pid not in pids:
        pids.add(pid)
        try:
            pid = _state_and_parent(PROC / str(pid))[1]
        except (OSError, IndexError, ValueError):
            break
    return pids
