"""What a bar costs in processor time, by process, while live bars come: of every symbol one a second.

`python -m benchmarks.costs [--database URL] [--detectors off] [--http] [--flower]`. The bars have the values of real
series and come when their second is over, so they are fresh, have about two signals each, and count for the symbols'
latencies. Processor time, and not the rate, is what is compared: a busy machine changes it less.
"""

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import median
from typing import Any

from benchmarks.engine import DETECTORS
from benchmarks.own import PREFORK, Scanner, cpu_s, scanner
from benchmarks.tables import Table
from scanner_app.tools.chaos.stack import parents
from scanner_app.tools.loadtest.client import Client
from scanner_project.env import BASE_DIR
from scanner_project.up.programs import flower_command

WARM_S = 5
"""Seconds of the feed before the measurement: processes start, caches fill."""

WINDOW = 80
"""Bars of each symbol before the feed: more than the shipped detectors look at."""

CALLS = 10
"""Calls of a second, without --http: each has the bars of a tenth of the symbols."""


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.costs", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--detectors", choices=["on", "off"], default="on")
    parser.add_argument("--symbols", type=int, default=150, help="and so bars a second (150)")
    parser.add_argument("--seconds", type=int, default=15, help="of each round (15)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--http", action="store_true", help="one bar a POST, instead of calls of ingest")
    parser.add_argument("--flower", action="store_true", help="with Flower running")
    options = parser.parse_args()
    with scanner(options.database, Scanner) as own, _flower(own) if options.flower else _nobody() as flower:
        own.run_main(PREFORK, DETECTORS if options.detectors == "on" else "")
        feed = Feed(own, options.symbols, http=options.http)
        feed.fill()
        fill_latencies()
        feed.run(WARM_S)
        rounds = [measure(own, feed, options, flower) for _ in range(options.rounds)]
    table = Table("process", "CPU ms a bar", "of the rounds")
    for name in rounds[0]:
        table.add(name, round(median(one[name] for one in rounds), 3), " ".join(f"{one[name]:.2f}" for one in rounds))
    print(f"\n{table}\n")  # noqa: T201


class Feed:
    """Live bars of symbols, with the values of real series."""

    def __init__(self, own: Scanner, symbols: int, *, http: bool) -> None:
        """With `http` a bar a POST, through one connection."""
        from scanner_app.feeds.bundled import load_series  # noqa: PLC0415 - models need Django set up

        self._series = [one for one in load_series() if len(one) > 2_000]  # long enough for any run
        self._tickers = [f"C{number:05d}" for number in range(symbols)]
        self._client = Client(own.url, own.token) if http else None
        self._step = 0

    def fill(self) -> None:
        """Have as many bars of each symbol as a window has, of an hour ago."""
        from benchmarks import feeding  # noqa: PLC0415 - as above

        for number in range(WINDOW):
            feeding.accept_all(list(self._bars(datetime.now(UTC) - timedelta(hours=1, seconds=WINDOW - number))))
        feeding.wait_until_idle(self._tickers)

    def run(self, seconds: int) -> int:
        """Send so many seconds of bars, and wait until all are done. Returns their number."""
        from benchmarks import feeding  # noqa: PLC0415 - as above

        began, began_at = time.monotonic(), datetime.now(UTC) - timedelta(seconds=1)
        for second in range(seconds):
            bars = self._bars(began_at + timedelta(seconds=second))
            size = 1 if self._client else -(-len(self._tickers) // CALLS)
            calls = -(-len(self._tickers) // size)
            for call in range(calls):
                time.sleep(max(0.0, began + second + call / calls - time.monotonic()))
                self._accept(list(islice(bars, size)))
        feeding.wait_until_idle(self._tickers)
        return seconds * len(self._tickers)

    def _accept(self, bars: list[dict[str, Any]]) -> None:
        from benchmarks import feeding  # noqa: PLC0415 - as above

        if self._client is None:
            feeding.accept_all(bars)
        else:
            self._client.post_bars([bar | {"timestamp": bar["timestamp"].isoformat()} for bar in bars])

    def _bars(self, time: datetime) -> Iterator[dict[str, Any]]:
        """A bar of each symbol that opens in this second."""
        self._step += 1
        opening = time.replace(microsecond=0)
        for number, ticker in enumerate(self._tickers):
            series = self._series[number % len(self._series)]
            place = number + self._step
            values = {name: float(getattr(series, name)[place]) for name in ("open", "high", "low", "close", "volume")}
            yield {"symbol": ticker, "timeframe": "1s", "timestamp": opening, **values}


def fill_latencies() -> None:
    """Give each symbol its hundred latencies, as after a few minutes of such a feed."""
    from scanner_app.models import SymbolStatus  # noqa: PLC0415 - models need Django set up

    SymbolStatus.objects.update(latencies=[[10 + number % 7, int(time.time())] for number in range(100)])


def measure(own: Scanner, feed: Feed, options: argparse.Namespace, flower: int) -> dict[str, float]:
    """Milliseconds of processor time a bar, by process."""
    before = _read(own, options.database, flower)
    bars = feed.run(options.seconds)
    after = _read(own, options.database, flower)
    return {name: 1000 * (after[name] - before[name]) / bars for name in before}


def _read(own: Scanner, database: str, flower: int) -> dict[str, float]:
    main, upkeep = own.pid("worker-main"), own.pid("worker-upkeep")
    seen = {
        "main worker: children": sum(map(cpu_s, own.children("worker-main"))),
        "main worker: parent": cpu_s(main),
        "upkeep worker": sum(map(cpu_s, [upkeep, *own.children("worker-upkeep")])),
        "broker": cpu_s(own.pid("broker")),
        "web": sum(map(cpu_s, [own.pid("web"), *own.children("web")])),
        "this process": time.process_time(),
    }
    if database:
        seen["PostgreSQL"] = _server_cpu_s()
    if flower:
        seen["Flower"] = cpu_s(flower)
    return seen


def _server_cpu_s() -> float:
    """Processor time of the whole database server: its processes, and those of connections that have ended."""
    from django.db import connection  # noqa: PLC0415 - needs Django set up

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = parents()[cursor.fetchone()[0]]
    living = [pid for pid, parent in parents().items() if parent == server]
    return cpu_s(server, with_ended_children=True) + sum(map(cpu_s, living))


@contextmanager
def _nobody() -> Iterator[int]:
    yield 0


@contextmanager
def _flower(own: Scanner) -> Iterator[int]:
    """Flower, while the block runs: its process id."""
    command = [sys.executable, "-m", *shlex.split(flower_command("127.0.0.1", own.port + 1))]
    with (own.folder / "logs" / "flower.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=BASE_DIR, env=own.environment, stdout=log, stderr=log)  # noqa: S603
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()
