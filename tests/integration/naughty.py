"""A detector from which leaves whatever can leave one; the symbol says what."""

import asyncio
import ctypes
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import NoReturn

from celery.exceptions import Ignore, Reject, Retry, WorkerShutdown

from scanner_app.detectors import Signal, Window

HUGE = 50_000_000
"""Characters."""


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Tied(Exception):
    def __init__(self) -> None:
        super().__init__(threading.Lock())

    def __reduce__(self) -> NoReturn:
        raise TypeError("not to be pickled")


class OfItsOwn(BaseException):
    pass


def _recurse() -> None:
    _recurse()


def _crash() -> None:
    ctypes.string_at(0)


def _leave() -> None:
    os._exit(3)


RAISED: dict[str, BaseException] = {
    "CANCELLED": asyncio.CancelledError("cancelled"),
    "GENEXIT": GeneratorExit("of a generator"),
    "KEYBOARD": KeyboardInterrupt("by nobody"),
    "SYSEXIT": SystemExit(3),
    "OWN": OfItsOwn("its own"),
    "MUTE": Mute(),
    "HUGE": ValueError("x" * 10),
    "TIED": Tied(),
    "MEMORY": MemoryError("too much"),
    "RETRY": Retry("later"),
    "IGNORE": Ignore("me"),
    "REJECT": Reject("no", requeue=True),
    "SHUTDOWN": WorkerShutdown(0),
}
"""By symbol."""

TYPES = {name: type(error).__name__ for name, error in RAISED.items()} | {"RECURSION": "RecursionError"}

DEADLY = {"CRASH": _crash, "LEAVE": _leave}
"""What ends the process, by symbol."""


def _square(number: int) -> int:
    return number * number


def _subprocess() -> None:
    assert subprocess.check_output([sys.executable, "-c", "print(4)"]) == b"4\n"


def _threads() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(_square, [2])) == [4]


def _processes(method: str) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(_square, [2])) == [4]


WORKS = {"SUBPROCESS": _subprocess, "THREADS": _threads}
"""What detectors may do, by symbol."""

REFUSED = {
    "SPAWN": lambda: _processes("spawn"),
    "FORKSERVER": lambda: _processes("forkserver"),
    "FORK": lambda: _processes("fork"),
}
"""What they may not do: they run in processes that may have no children of this kind."""


class Naughty:
    """Does on each symbol's second and later bars what the symbol says."""

    name = "naughty"
    bars_needed = 2

    def detect(self, window: Window) -> Iterator[Signal]:
        """Misbehave, and see nothing."""
        if len(window) > 1:
            name = window.symbol
            if name == "HUGE":
                raise ValueError("x" * HUGE)
            if name == "RECURSION":
                _recurse()
            if name in RAISED:
                raise RAISED[name]
            {**DEADLY, **WORKS, **REFUSED}.get(name, lambda: None)()
        yield from ()
