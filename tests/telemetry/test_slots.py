"""Counting in many processes: real ones, that write, end, are killed and fork."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from scanner_app.telemetry import slots
from tests.scraping import value

PROGRAM = """
import os, signal, sys
from pathlib import Path
from prometheus_client import Counter, Histogram
from scanner_app.telemetry import slots

print(slots.count_in(Path(sys.argv[1])), flush=True)
done = Counter("done", "done")
took = Histogram("took", "took", buckets=(1, 2))
for line in sys.stdin:
    if line == "fork\\n":
        child = os.fork()
        if child == 0:
            done.inc()
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    else:
        done.inc(int(line))
        took.observe(1.5)
    print("ok", flush=True)
"""


class Counting:
    """A process that counts what it is asked to."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", PROGRAM, str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.shared = self._answer()

    def send(self, line: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        assert self._answer() == "ok"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Counting]]:
    running: list[Counting] = []

    def one(folder: Path = tmp_path / "metrics") -> Counting:
        running.append(Counting(folder))
        return running[-1]

    yield one
    for process in running:
        process.kill()


def scraped(folder: Path) -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))
    return generate_latest(registry).decode()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.db"))


def test_two_processes_count_and_a_third_sums_it_up(start, tmp_path):
    one, two = start(), start()

    one.send(3)
    two.send(4)
    one.send(5)

    page = scraped(tmp_path / "metrics")
    assert value(page, "done_total") == 12
    assert (value(page, "took_count"), value(page, "took_bucket", le="1.0"), value(page, "took_bucket", le="2.0")) == (
        3,
        0,
        3,
    )


def test_a_process_that_was_killed_leaves_its_counts_and_its_file_to_the_next(start, tmp_path):
    folder = tmp_path / "metrics"
    living = start()
    living.send(1)

    for _ in range(4):
        doomed = start()
        doomed.send(10)
        doomed.kill()

    assert value(scraped(folder), "done_total") == 41
    assert files(folder) == ["counter_0.db", "counter_1.db", "histogram_0.db", "histogram_1.db"]


def test_a_forked_child_counts_for_itself_and_children_without_end_make_no_files_without_end(start, tmp_path):
    parent = start()
    parent.send(1)

    for _ in range(5):
        parent.send("fork")
    parent.send(1)

    assert value(scraped(tmp_path / "metrics"), "done_total") == 7
    assert len(files(tmp_path / "metrics")) == 4


def test_without_the_folder_a_process_counts_for_itself_and_goes_on(start, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")

    alone = start(blocked / "metrics")

    assert alone.shared == "False"
    alone.send(1)


def test_a_folder_that_goes_away_fails_nothing_that_is_counted(tmp_path):
    code = (
        "import django, shutil, os; django.setup()\n"
        "from scanner_app.telemetry import counters\n"
        "shutil.rmtree(counters.FOLDER)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    counters.bar_processed(latency_s=1, run_s=1, counts=True); counters.bars_refused({'x': 1}); os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    environment = os.environ | {"DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "scanner_project.settings"}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)

    assert done.stdout.splitlines()[-1] == "7"
    assert "not_counted" in done.stdout + done.stderr


def test_the_place_of_a_file_is_taken_beforehand(tmp_path):
    slots.AllocatedDict(str(tmp_path / "counter_0.db"))

    assert (tmp_path / "counter_0.db").stat().st_blocks * 512 >= slots.FILE_SIZE


def test_without_a_place_on_the_disk_a_process_counts_in_memory(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    counts = slots.AllocatedDict(str(tmp_path / "counter_0.db"))

    counts.write_value("some", 1.0, 0.0)

    assert counts.read_value("some")[0] == 1.0
    assert (tmp_path / "counter_0.db").stat().st_size == 0  # no file of holes
