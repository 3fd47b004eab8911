"""A scanner of a measurement's own, with workers of any pool, and this process set up as a part of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import django

from scanner_app.tools.chaos.stack import OwnDatabase, Stack
from scanner_project.env import BASE_DIR

PROCESSES = {"main": 8, "slow": 4, "upkeep": 2, "notify": 1}
"""As `make up` has them, without those that idle unless rules hit or bars are looked at again."""

ALL_PROCESSES = {**PROCESSES, "hits": 2, "rerun": 1}
"""As `make up` has them."""

MAIN = "worker-main"

WITHOUT_HIREDIS = Path(__file__).parent / "without_hiredis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The main lane's workers, all of one kind."""

    name: str
    kind: str = "prefork"
    slots: int = 8  # of each worker
    workers: int = 1
    app: str = "scanner_project"


PREFORK = Pool(name="prefork 8")
STOCK = Pool(name="prefork 8, Celery as it comes", app="benchmarks.stock")
POOLS = (
    PREFORK,
    Pool(name="2 x prefork 4", slots=4, workers=2),
    Pool(name="threads 8", kind="threads"),
    Pool(name="solo", kind="solo", slots=1),
    Pool(name="2 x solo", kind="solo", slots=1, workers=2),
)


class Scanner(Stack):
    """A stack whose main workers are exchanged from case to case."""

    def __init__(self, folder: Path, database_url: str, settings: Mapping[str, str] | None = None) -> None:
        environment = {"DJANGO_SETTINGS_MODULE": "benchmarks.settings", "SCANNER_DETECTORS": "", **(settings or {})}
        super().__init__(folder, database_url, processes=PROCESSES, environment=environment)
        self._pool = PREFORK
        self.queues: list[str] = []  # of a worker that does not follow the symbols
        self.programs: dict[str, list[str]] = {}
        """Python's arguments of further programs, by name. `start` starts them; they are kept up as the others."""

    def adopt(self) -> None:
        """Set Django up in this process as in the scanner's own. Once in a process: settings are read once."""
        os.environ.update(self.environment)
        django.setup()

    def run_main(self, pool: Pool, detectors: str = "") -> None:
        """Have main workers of this kind, and with these detectors, from now on."""
        self.end_main()
        self._pool = pool
        self.environment["SCANNER_DETECTORS"] = detectors
        path = [WITHOUT_HIREDIS, BASE_DIR] if pool is STOCK else [BASE_DIR]
        self.environment["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in path)
        for name in self._main():
            self.start(name)

    def end_main(self) -> None:
        """Have no main worker: what is accepted now waits."""
        for name in self._main():
            if name in self._processes:
                self.end(name, signal.SIGTERM)

    def main_cpu_s(self) -> float:
        """Processor time of the main workers and their children, until now."""
        pids = [pid for name in self._main() for pid in (self.pid(name), *self.children(name))]
        return sum(cpu_s(pid) for pid in pids)

    def _main(self) -> list[str]:
        return [MAIN, *(f"{MAIN}-{number}" for number in range(2, self._pool.workers + 1))]

    def _command(self, name: str) -> list[str]:
        if name in self.programs:
            return [sys.executable, *self.programs[name]]
        if not name.startswith(MAIN):
            return super()._command(name)
        # The last one of the same name counts.
        options = ["-P", self._pool.kind, "-c", str(self._pool.slots), "-n", f"{name}@%h"]
        if self._pool is STOCK:
            options += ["-Q", ",".join(self.queues)]
        command = [self._pool.app if part == "scanner_project" else part for part in super()._command(MAIN)]
        return [*command, *options]


Own = TypeVar("Own", bound=Scanner)


@contextmanager
def scanner(server_url: str, kind: Callable[[Path, str], Own]) -> Iterator[Own]:
    """A running scanner, this process being a part of it; on a PostgreSQL server, or on SQLite without one."""
    end_cleanly()
    database = OwnDatabase(server_url) if server_url else None
    try:
        with TemporaryDirectory(prefix="bench-") as folder:
            own = kind(Path(folder), "" if database is None else database.url)
            own.adopt()
            try:
                own.up()
                yield own
            finally:
                own.down()
    finally:
        if database is not None:
            database.drop()


def cpu_s(pid: int, *, with_ended_children: bool = False) -> float:
    """Processor time of a process until now (s); 0 if it has ended."""
    try:
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    except FileNotFoundError:  # it has just ended
        return 0.0
    return sum(map(int, times if with_ended_children else times[:2])) / os.sysconf("SC_CLK_TCK")


def in_a_process(module: str, *, database: str, results: Path, **options: object) -> None:
    """Run a module's `main` in a process of its own, since Django's settings are read once in a process."""
    command = [sys.executable, "-m", module, "--database", database, "--results", str(results)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    run_ourselves(command)


def run_ourselves(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
    """Run a process of ours to its end; if we are ended meanwhile, end it and wait until it has cleaned up.

    Raises CalledProcessError if it fails. If we ended alone, it would go on running, with the scanner that it has
    started; and subprocess.run would kill it before it has cleaned up.
    """
    # In a session of its own: else a Ctrl-C would reach it twice, from the terminal and from us.
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:  # noqa: S603 - ourselves
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if status:
        raise subprocess.CalledProcessError(status, command)


def end_cleanly() -> None:
    """Have SIGTERM and Ctrl-C end this process by SystemExit, once; `finally` ends what it has started."""

    def end(number: int, _frame: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)  # a second one must not interrupt the cleaning up
        sys.exit(128 + number)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
