"""What open streams of signals cost: the API and the bars with 0 and with 200 readers of `GET signals/stream`.

The detectors of a normal installation are on; 100 bars/s of 20 symbols, which walk at random, come over HTTP, ten in a
call; beside them one client asks for the status and for a page of signals, in turn. All readers are in one process of
their own, on the same machine. A run fails if one of them misses a signal, or gets one twice or out of order.
`python -m benchmarks.streams [--rounds 3] [--streams 0 200] [--seconds 20]`
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import goal_tables
from benchmarks.engine import DETECTORS
from benchmarks.load import Load, percentiles, store
from benchmarks.opening import Sender, latencies_since
from benchmarks.own import PREFORK, Scanner, cpu_s, in_a_process, scanner
from scanner_project.env import BASE_DIR

RATE, CALL = 100.0, 10
"""Bars a second, and bars of a call."""

ASK_S = 0.1
"""Between two questions of the client beside the feed."""

ASKED = {"status": "status", "signals": "signals?page_size=20"}

WARM_S = 3.0
"""Of a feed that is not measured."""

RATIOS = ("status_p95_ms", "signals_p95_ms", "post_p95_ms", "bar_p95_ms")


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure in a process of its own."""
    in_a_process("benchmarks.streams", database=database, results=results, rounds=rounds)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.streams", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, nargs="+", default=[0, 200], help="numbers of open streams (0 200)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each case (20)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    found: dict[int, list[dict[str, float]]] = {number: [] for number in options.streams}
    with scanner(options.database, Scanner) as own:
        own.run_main(PREFORK, DETECTORS)
        feed = Feed(own)
        feed.run(WARM_S)
        for number in range(options.rounds):
            for streams in reversed(options.streams) if number % 2 else options.streams:
                one = _measure(own, feed, streams, options.seconds)
                found[streams].append(one)
                print(f"round {number + 1} of {options.rounds}: {streams} streams: {one}", flush=True)  # noqa: T201
    rows = _rows(found)
    print(f"\nOpen streams, {kind}\n\n{goal_tables.streams(rows)}\n")  # noqa: T201
    store(options.results, f"streams-{kind}", rows, database=kind)


class Feed:
    """The bars, and the client beside them."""

    def __init__(self, own: Scanner) -> None:
        from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

        self._walker = feeding.Walker(days_back=3)
        self._sender = Sender(own)
        self._root = f"{own.url}/api/v1/scanner"
        self.tickers = Load().tickers

    def run(self, seconds: float) -> dict[str, float]:
        """Feed for so long, and wait until all is done: the latencies of calls and of bars."""
        over = threading.Event()
        waits: dict[str, list[float]] = {name: [] for name in ASKED}
        beside = threading.Thread(target=self._ask, args=(waits, over), daemon=True)
        began_at, began = datetime.now(UTC), time.monotonic()
        posts, sent = [], 0
        beside.start()
        try:
            with self._sender.client() as http:
                while sent < seconds * RATE:
                    if (early := began + sent / RATE - time.monotonic()) > 0:
                        time.sleep(early)
                    bars = self._walker.bars(self.tickers, CALL)
                    asked = time.perf_counter()
                    self._sender.send(bars, http)
                    posts.append(time.perf_counter() - asked)
                    sent += CALL
        finally:
            over.set()
            beside.join(30)
        rate = sent / (time.monotonic() - began)
        self._sender.wait(self.tickers)
        of = {**waits, "post": posts, "bar": latencies_since(began_at, self.tickers)}
        figures = {f"{name}_{key}": value for name, each in of.items() for key, value in percentiles(each).items()}
        return {"fed_rate": round(rate, 1), **figures}

    def _ask(self, waits: dict[str, list[float]], over: threading.Event) -> None:
        with self._sender.client() as http:
            while not over.is_set():
                for name, path in ASKED.items():
                    asked = time.perf_counter()
                    http.get(f"{self._root}/{path}").raise_for_status()
                    waits[name].append(time.perf_counter() - asked)
                    over.wait(ASK_S)


@contextmanager
def _readers(own: Scanner, number: int) -> Iterator[subprocess.Popen[str]]:
    """A process with so many open streams."""
    command = [sys.executable, "-m", "benchmarks.stream_readers", f"127.0.0.1:{own.port}", own.token, str(number)]
    with subprocess.Popen(  # noqa: S603 - ourselves
        command, cwd=BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            if process.stdout.readline().strip() != "open":
                raise RuntimeError(f"{number} streams were not opened")
            yield process
        finally:
            process.kill()


def _measure(own: Scanner, feed: Feed, streams: int, seconds: float) -> dict[str, float]:
    """The figures of one case. Raises RuntimeError if a reader has not got what it should."""
    from scanner_app.models import Signal  # noqa: PLC0415 - models need Django set up

    if not streams:
        before, web = Signal.objects.count(), _web_cpu_s(own)
        figures = feed.run(seconds)
        return {**figures, "signals": Signal.objects.count() - before, "web_cpu": _percent(own, web, seconds)}
    with _readers(own, streams) as process:
        before, web = Signal.objects.count(), _web_cpu_s(own)
        figures = feed.run(seconds)
        cpu = _percent(own, web, seconds)
        signals = Signal.objects.count() - before
        got = _told(process, _last_number())
    wrong = [one for one in got["streams"] if one["count"] != signals or not one["in_order"]]
    if wrong or len({one["last"] for one in got["streams"]}) != 1:
        raise RuntimeError(f"of {signals} signals {len(wrong)} of {streams} readers got something else: {wrong[:3]}")
    event = {f"event_{key}": value for key, value in percentiles(got["after_s"]).items()}
    return {**figures, "signals": signals, "web_cpu": cpu, **event, "complete": len(got["streams"])}


def _told(process: subprocess.Popen[str], last: int) -> dict[str, Any]:
    """What the readers have got, once they have come to this number."""
    answer, _ = process.communicate(f"{last}\n", timeout=120)
    told: dict[str, Any] = json.loads(answer)
    return told


def _last_number() -> int:
    """The number of the newest signal, once it has one."""
    from scanner_app.models import Signal, StreamEntry  # noqa: PLC0415 - models need Django set up

    newest = Signal.objects.latest("id").pk
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (entry := StreamEntry.objects.filter(kind="signal", row_id=newest).first()) is not None:
            return StreamEntry.objects.filter(kind="signal", number__gte=entry.number).latest("number").number
        time.sleep(0.1)
    raise TimeoutError(f"signal {newest} has got no number")


def _web_cpu_s(own: Scanner) -> float:
    return sum(cpu_s(pid) for pid in (own.pid("web"), *own.children("web")))


def _percent(own: Scanner, before: float, seconds: float) -> float:
    """Of one core, in the web processes."""
    return round(100 * (_web_cpu_s(own) - before) / seconds, 1)


def _rows(found: dict[int, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """A row of medians for each number of streams, with its ratios to the first."""
    rows: list[dict[str, Any]] = [
        {
            "streams": streams,
            **{name: round(float(median(one[name] for one in rounds)), 1) for name in rounds[0]},
            "bar_p95_rounds_ms": [one["bar_p95_ms"] for one in rounds],
        }
        for streams, rounds in found.items()
    ]
    for row in rows:
        row["ratios"] = {name: round(row[name] / rows[0][name], 2) for name in RATIOS}
    return rows


if __name__ == "__main__":
    main()
