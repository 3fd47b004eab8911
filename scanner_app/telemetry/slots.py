"""The file that a process counts in: a numbered slot, which another process takes over when this one ends.

The library's multiprocess mode has a file for each process id, and must keep the files of ended processes, or their
counts would be missing. Pool children are replaced again and again, so that would be files without end. Here a file
belongs to a slot, which a process holds by a lock on a file beside it. The system releases the lock however the process
ends. The next new process takes the lowest free slot and goes on counting in its file. So there are as many files as
processes ever lived at once, and no counter ever goes back.
"""

import fcntl
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import values

MOST = 10_000
"""Slots: beyond any number of processes on one machine."""

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the library looks for the folder, each time that it opens a file."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that this process holds."""

    pid: int
    number: int
    lock: int  # file descriptor


_taking = threading.Lock()
_slot: Slot | None = None


def count_in(folder: Path) -> bool:
    """Count in files of `folder` from now on; False, and each process counts for itself, if that can't be.

    Must come before the first metric is made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not left to a later start: a number that is asked for within a run must not fail.
        _hold(folder)
    except OSError:
        values.ValueClass = values.MutexValue
        return False
    os.environ[FOLDER_VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call] # the library has some types only
        process_identifier=lambda: _number(folder)
    )
    return True


def _number(folder: Path) -> int:
    """This process's slot. Asked for at each count, so the usual way through is a comparison."""
    slot = _slot
    return slot.number if slot is not None and slot.pid == os.getpid() else _hold(folder).number


def _hold(folder: Path) -> Slot:
    global _slot  # one for one process, and it ends with it
    with _taking:
        if _slot is None or _slot.pid != os.getpid():
            inherited, _slot = _slot, _take(folder)
            if inherited is not None:
                # Our parent's: its lock is its own, and does not care.
                os.close(inherited.lock)
        return _slot


def _take(folder: Path) -> Slot:
    for number in range(MOST):
        lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # POSIX's lock: a child does not inherit it, as it would flock()'s.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return Slot(os.getpid(), number, lock)
    raise OSError(f"{MOST} processes count in {folder}")
