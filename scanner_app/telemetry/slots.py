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
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

MOST = 10_000
"""Most slots: more than the processes that one machine runs."""

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable from which the library takes the folder, each time that it opens a file."""


FILE_SIZE = 1 << 16
"""Bytes of a file of counters, as the library makes it."""


class AllocatedDict(MmapedDict):
    """The library's file of counters, with its place on the disk taken beforehand.

    The library makes a file of holes and writes to it through memory. On a full disk the first write into a hole
    would kill the process (SIGBUS). If there is no place, this process counts in memory, where no one reads it.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            filename = _allocated(filename)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call] # the library has some types only


def _allocated(filename: str) -> str:
    if not hasattr(os, "memfd_create"):  # not Linux
        return filename
    try:
        file = os.open(filename, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, FILE_SIZE)
        finally:
            os.close(file)
    except OSError:
        return f"/proc/self/fd/{os.memfd_create('counters')}"
    return filename


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that this process holds."""

    pid: int
    number: int
    lock: int  # file descriptor


_taking = threading.Lock()
_slot: Slot | None = None


def count_in(folder: Path) -> bool:
    """Count in files of `folder` from now on. False if that is not possible: then each process counts in its memory.

    Call it before the first metric is created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Take a slot now: taking one later, during a run, might fail and disturb the run.
        _hold(folder)
    except OSError:
        values.ValueClass = values.MutexValue
        return False
    os.environ[FOLDER_VARIABLE] = str(folder)
    library: Any = values
    library.MmapedDict = AllocatedDict
    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call] # the library has some types only
        process_identifier=lambda: _number(folder)
    )
    return True


def _number(folder: Path) -> int:
    """The number of this process's slot. Called at each count, so usually it only compares two numbers."""
    slot = _slot
    return slot.number if slot is not None and slot.pid == os.getpid() else _hold(folder).number


def _hold(folder: Path) -> Slot:
    global _slot  # one for each process
    with _taking:
        if _slot is None or _slot.pid != os.getpid():
            inherited, _slot = _slot, _take(folder)
            if inherited is not None:
                # A copy of the parent's file, from the fork. The parent keeps its lock when we close it.
                os.close(inherited.lock)
        return _slot


def _take(folder: Path) -> Slot:
    for number in range(MOST):
        lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # A POSIX lock, which a child does not inherit (unlike a lock of flock()).
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return Slot(os.getpid(), number, lock)
    raise OSError(f"{MOST} processes count in {folder}")
