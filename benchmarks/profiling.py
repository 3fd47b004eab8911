"""Where the time of a bar goes: one solo worker under cProfile drains a backlog.

`python -m benchmarks.profiling [--database URL] [--detectors PATHS]`. Worker and task are one process then, so
their figures add up; cProfile makes calls of Python code dearer than they are, so compare neighbours only.
"""

import argparse
import pstats
from pathlib import Path
from typing import Any

from benchmarks.load import Load, steady_rate
from benchmarks.own import Pool, Scanner, scanner
from benchmarks.tables import Table

SOLO = Pool(name="solo, profiled", kind="solo", slots=1)

PARTS = (
    ("process_head", "tasks.py", "process_head"),
    ("  mailbox.start", "run.py", "start"),
    ("    sql.read_head", "sql.py", "read_head"),
    ("  load_window", "window.py", "load_window"),
    ("  detect", "detection.py", "detect"),
    ("  mailbox.complete", "run.py", "complete"),
    ("    latency.rolling", "latency.py", "rolling"),
    ("    sql.complete_head", "sql.py", "complete_head"),
    ("    sql.insert_signals", "sql.py", "insert_signals"),
    ("    sql.read_next", "sql.py", "read_next"),
    ("    publish_following", "heads.py", "publish_following"),
    ("    commit, with publish", "transaction.py", "__exit__"),
    ("      publish", "publisher.py", "publish"),
    ("        send_task", "base.py", "send_task"),
    ("        the batch is sent", "messaging.py", "flush"),
    ("  bar_processed", "counters.py", "bar_processed"),
    ("Celery: receive", "strategy.py", "task_message_handler"),
    ("Celery: trace", "trace.py", "trace_task"),
    ("Celery: events", "dispatcher.py", "send"),
    ("Celery: acknowledge", "request.py", "acknowledge"),
    ("broker: poll", "redis.py", "on_readable"),
)
"""What is shown, each with all that it calls: name, file and function."""


class Profiled(Scanner):
    """A scanner whose main worker writes a profile when it ends."""

    @property
    def profile(self) -> Path:
        """Where."""
        return self.folder / "main.profile"

    def _command(self, name: str) -> list[str]:
        command = super()._command(name)
        if name.startswith("worker-main") and self._pool is SOLO:
            python, *rest = command
            command = [python, "-m", "cProfile", "-o", str(self.profile), *rest]
        return command


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.profiling", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--detectors", default="")
    parser.add_argument("--bars", type=int, default=2_000)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the profile, for pstats")
    options = parser.parse_args()
    load = Load(bars=options.bars)
    with scanner(options.database, Profiled) as own:
        from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

        feeder = feeding.Feeder()
        feeder.accept(Load(bars=400))
        feeding.wait_until_idle(load.tickers)
        own.end_main()
        before = feeding.done()
        feeder.accept(load)
        own.run_main(SOLO, options.detectors)
        rate = steady_rate(lambda: feeding.done() - before, load.bars)
        own.end_main()
        stats = pstats.Stats(str(own.profile))
    print(f"{rate:,.0f} bars/s under the profiler\n\n{_table(stats, load.bars)}")  # noqa: T201
    if options.keep:
        stats.dump_stats(str(options.keep))


def _table(stats: Any, bars: int) -> Table:
    table = Table("part, with what it calls", "calls a bar", "µs a bar")
    for name, file, function in PARTS:
        calls, seconds = 0, 0.0
        for (path, _, called), (_, count, _, cumulative, _) in stats.stats.items():
            if called == function and Path(path).name == file:
                calls, seconds = calls + count, seconds + cumulative
        table.add(name, round(calls / bars, 2), round(1e6 * seconds / bars))
    return table


if __name__ == "__main__":
    main()
