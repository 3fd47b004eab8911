"""A market's opening over HTTP, with the shipped detectors: bursts, first bars of new symbols, and a steady feed.

burst   the bars of N symbols come in one call: when is the last of them done (the worst bar)? For growing N, until the
        worst bar of most bursts takes more than 200 ms
first   a bar of a symbol that the scanner has never seen, while it is idle; beside it that symbol's second bar
paced   100 bars a second of 20 symbols, one bar a call

Each figure is the scanner's own: from acceptance to the commit of the result.
`python -m benchmarks.opening [--only burst first paced] [--rounds 3]`
"""

import argparse
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import goal_tables
from benchmarks.engine import DETECTORS
from benchmarks.load import percentiles, store
from benchmarks.own import PREFORK, Scanner, in_a_process, scanner

SIZES = (20, 50, 85, 100, 150, 200, 250, 300, 400, 500, 700, 1_000)
LIMIT_MS = 200.0
BURSTS = 8
"""Of a size, in each round."""

FIRST = 20
"""New symbols, one after the other, in each round."""

PACE = 100.0
PACED_SYMBOLS = 20
CLIENTS = 4
"""Connections of the steady feed: with one, a call of more than 10 ms would hold up the next."""

SETTLE_S = 0.3
"""Between two bursts or first bars: everything is idle again."""


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure in a process of its own."""
    in_a_process("benchmarks.opening", database=database, results=results, rounds=rounds)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.opening", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), default=list(MEASUREMENTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="of the steady feed (30)")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner(options.database, Scanner) as own:
        own.run_main(PREFORK, DETECTORS)
        sender = Sender(own)
        sender.send(sender.feeder.bars(["WARM-1", "WARM-2"], 20))  # every process has run a bar
        sender.wait(["WARM-1", "WARM-2"])
        for name in options.only:
            rows = [{"database": kind, **row} for row in MEASUREMENTS[name](sender, options)]
            print(f"\n{name}, {kind}\n\n{goal_tables.opening(rows)}\n", flush=True)  # noqa: T201
            store(options.results, f"{name}-{kind}", rows, database=kind)


class Sender:
    """Sends bars over HTTP, and reads from the database how long they took."""

    def __init__(self, own: Scanner) -> None:
        from benchmarks import feeding  # noqa: PLC0415 - models need Django set up

        self.feeder = feeding.Feeder(days_back=100)
        self.wait = feeding.wait_until_idle
        self._url = f"{own.url}/api/v1/scanner/bars"
        self._headers = {"Authorization": f"Token {own.token}"}
        self._http = self.client()

    def client(self) -> httpx.Client:
        """A connection of one's own."""
        return httpx.Client(headers=self._headers, timeout=60, limits=httpx.Limits(keepalive_expiry=1))

    def send(self, bars: Sequence[dict[str, Any]], http: httpx.Client | None = None) -> None:
        """Send bars in one call. Raises RuntimeError unless all are accepted."""
        body = [{**bar, "timestamp": bar["timestamp"].isoformat()} for bar in bars]
        answer = (http or self._http).post(self._url, json=body)
        if answer.status_code != HTTPStatus.ACCEPTED or answer.json()["accepted"] != len(bars):
            raise RuntimeError(f"{len(bars)} bars were answered with {answer.status_code}: {answer.text[:200]}")

    def timed(self, bars: Sequence[dict[str, Any]]) -> list[float]:
        """Send bars in one call and wait until they are done: the latency of each in s."""
        began = datetime.now(UTC)
        self.send(bars)
        tickers = sorted({str(bar["symbol"]) for bar in bars})
        self.wait(tickers)
        return latencies_since(began, tickers)


def latencies_since(began: datetime, tickers: Sequence[str]) -> list[float]:
    """Of the processed bars of these symbols that were accepted since, in s."""
    from scanner_app.models import Bar  # noqa: PLC0415 - models need Django set up

    mine = Bar.objects.filter(symbol__ticker__in=tickers, accepted_at__gte=began, status="processed")
    times = mine.values_list("accepted_at", "finished_at")
    return [(finished - accepted).total_seconds() for accepted, finished in times if finished is not None]


def _burst(sender: Sender, options: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for size in SIZES:
        tickers = [f"B{number:05d}" for number in range(size)]
        sender.timed(sender.feeder.bars(tickers, size))  # makes the symbols
        worst = []
        for _ in range(options.rounds * BURSTS):
            time.sleep(SETTLE_S)
            worst.append(round(1000 * max(sender.timed(sender.feeder.bars(tickers, size))), 1))
        rows.append({"what": f"a burst of {size}", "size": size, "value_ms": median(worst), "rounds_ms": sorted(worst)})
        if rows[-1]["value_ms"] > LIMIT_MS:
            break
    return rows


def _first(sender: Sender, options: argparse.Namespace) -> list[dict[str, Any]]:
    first, second = [], []
    for number in range(options.rounds):
        ones: list[float] = []
        twos: list[float] = []
        for place in range(FIRST):
            ticker = [f"NEW{number}-{place}"]
            for found in (ones, twos):
                time.sleep(SETTLE_S)
                found.extend(sender.timed(sender.feeder.bars(ticker, 1)))
        first.append(percentiles(ones)["p95_ms"])
        second.append(percentiles(twos)["p95_ms"])
    return [
        {"what": "first bar of a new symbol, p95", "value_ms": median(first), "rounds_ms": first},
        {"what": "its second bar, p95", "value_ms": median(second), "rounds_ms": second},
    ]


def _paced(sender: Sender, options: argparse.Namespace) -> list[dict[str, Any]]:
    tickers = [f"P{number:02d}" for number in range(PACED_SYMBOLS)]
    sender.timed(sender.feeder.bars(tickers, len(tickers)))
    p95s, rates = [], []
    for _ in range(options.rounds):
        bars = sender.feeder.bars(tickers, round(PACE * options.seconds))
        began_at, began = datetime.now(UTC), time.monotonic()
        # A symbol's bars all go over one connection: that keeps their order.
        threads = [
            threading.Thread(target=_send_paced, args=(sender, bars, part, began), daemon=True)
            for part in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rates.append(round(len(bars) / (time.monotonic() - began), 1))
        sender.wait(tickers)
        found = latencies_since(began_at, tickers)
        if len(found) != len(bars):
            raise RuntimeError(f"of {len(bars)} bars {len(found)} were processed")
        p95s.append(percentiles(found)["p95_ms"])
    what = f"p95 at {PACE:g} bars/s, one bar a call ({min(rates):g} bars/s were reached)"
    return [{"what": what, "value_ms": median(p95s), "rounds_ms": p95s}]


def _send_paced(sender: Sender, bars: Sequence[dict[str, Any]], part: int, began: float) -> None:
    with sender.client() as http:
        for place, bar in enumerate(bars):
            if place % PACED_SYMBOLS % CLIENTS == part:
                if (early := began + place / PACE - time.monotonic()) > 0:
                    time.sleep(early)
                sender.send([bar], http)


MEASUREMENTS: dict[str, Callable[[Sender, argparse.Namespace], list[dict[str, Any]]]] = {
    "burst": _burst,
    "first": _first,
    "paced": _paced,
}


if __name__ == "__main__":
    main()
