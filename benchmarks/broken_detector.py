"""One detector breaks at all of 1,000 symbols, as after a bad deploy; with SCANNER_DETECTOR_AUTO_OFF=1.

The same bars go to two scanners one after the other, each with a database of its own. On the first nothing happens. On
the second the detector fails at every bar from one round of bars on, until it is mended; a probe of the scanner's own
switches it on again. Measured: when the others' signals of all symbols flow again, what the administrators are told,
and how the bars that it missed are made up for. In the end both must have the same signals, row for row.
`python -m benchmarks.broken_detector [--symbols 1000] [--rounds 1]`
"""

import argparse
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks import broken_rows, databases, goal_tables
from benchmarks.breakable import BREAK, Breakable
from benchmarks.broken_rows import Result, bar_time
from benchmarks.engine import DETECTORS
from benchmarks.load import store, walked
from benchmarks.own import ALL_PROCESSES, end_cleanly, in_a_process
from scanner_app.tools.chaos.stack import Stack, wait_until

OTHERS = f"{DETECTORS},scanner_app.tools.chaos.detector.Witness"
"""The detectors of a normal installation, and one with a signal at each bar: it shows when signals flow."""

ENVIRONMENT = {
    "SCANNER_DETECTORS": f"{OTHERS},benchmarks.breakable.Breakable",
    "SCANNER_DETECTOR_AUTO_OFF": "1",
    "SCANNER_ADMINS": "chief@example.com",
}

BEFORE = 6
"""Bars of each symbol before it breaks: the windows of most patterns are full."""

MADE_UP_S = 300.0
"""Longest time from the last round until nothing is missing."""


def run(*, rounds: int, database: str, results: Path) -> None:  # noqa: ARG001 - once is long enough
    """Measure in a process of its own."""
    in_a_process("benchmarks.broken_detector", database=database, results=results)


def main() -> None:
    """Parse, measure, print, store. Ends with an error if the signals are not the same."""
    parser = argparse.ArgumentParser(prog="benchmarks.broken_detector", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=1, help="times that it breaks, each on a new database (1)")
    parser.add_argument("--symbols", type=int, default=1_000)
    parser.add_argument("--every", type=float, default=10.0, help="seconds from one bar of a symbol to the next (10)")
    parser.add_argument("--bars", type=int, default=11, help="of each symbol, from when it breaks on (11)")
    parser.add_argument("--mended", type=float, default=45.0, help="seconds after it broke (45): a first probe fails")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    end_cleanly()
    kind = "postgresql" if options.database else "sqlite"
    began = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=1)
    with _scanner(options.database) as own:
        undisturbed = Run(own, options, began).undisturbed()
    found = []
    for number in range(options.rounds):
        with _scanner(options.database) as own:
            found.append(Run(own, options, began).broken())
        print(f"round {number + 1} of {options.rounds}: {found[-1].figures}", flush=True)  # noqa: T201
    rows = broken_rows.rows_of(undisturbed, found)
    print(f"\nA detector breaks at {options.symbols} symbols, {kind}\n\n{goal_tables.broken_detector(rows)}\n")  # noqa: T201
    for subject in found[-1].subjects:
        print(f"told: {subject}")  # noqa: T201
    store(options.results, f"broken-detector-{kind}", rows, database=kind)
    if wrong := [row["figure"] for row in rows if row["name"] in broken_rows.MUST_BE_ZERO and row["broken"]]:
        raise SystemExit(f"not 0: {', '.join(wrong)}")


@contextmanager
def _scanner(server_url: str) -> Iterator[Stack]:
    """A scanner with a database of its own."""
    with databases.own_database(server_url) as url, TemporaryDirectory(prefix="bench-") as folder:
        own = Stack(Path(folder), url, processes=ALL_PROCESSES, environment=ENVIRONMENT)
        try:
            own.up()
            yield own
        finally:
            own.down()


class Run:
    """The bars of one scanner, and what came of them."""

    def __init__(self, own: Stack, options: argparse.Namespace, began: datetime) -> None:
        self._own = own
        self._options = options
        self._began = began  # of the bars: the same for both scanners
        self._tickers = [f"S{number:05d}" for number in range(options.symbols)]
        self._chance = random.Random(11)  # noqa: S311 - the same bars for both scanners
        self._closes = dict.fromkeys(self._tickers, 100.0)
        self._http = httpx.Client(headers={"Authorization": f"Token {own.token}"}, timeout=120)
        self._place = 0  # of the next bar

    def undisturbed(self) -> Result:
        """All bars, each as soon as the one before it is done."""
        for _ in range(BEFORE + self._options.bars):
            self._send()
            self._wait()
        return broken_rows.result(self._own)

    def broken(self) -> Result:
        """The same bars; the later ones come at their pace, and when they begin, it breaks."""
        ordinary_s = 0.0
        for _ in range(BEFORE):
            began = time.monotonic()
            self._send()
            self._wait()
            ordinary_s = time.monotonic() - began
        (self._own.folder / BREAK).touch()
        broke, first_bar = time.time(), bar_time(self._began, self._place)
        for place in range(self._options.bars):
            self._sleep_until(broke + place * self._options.every, broke)
            self._send()
        self._sleep_until(broke + self._options.mended, broke)
        wait_until(self._is_whole, "a probe switches it on, and it makes up for what it missed", MADE_UP_S)
        self._wait()
        wait_until(self._is_whole, "it has made up for the last bars", MADE_UP_S)
        wait_until(lambda: broken_rows.all_told(self._own), "it is told that it is over", MADE_UP_S)
        times = broken_rows.times(self._own, broke, first_bar, len(self._tickers))
        return broken_rows.result(self._own, {"ordinary_s": ordinary_s, **times})

    def _sleep_until(self, moment: float, broke: float) -> None:
        """Sleep until then (unix s), and mend the detector when it is time for that."""
        file, mended = self._own.folder / BREAK, broke + self._options.mended
        if file.exists() and mended <= moment:
            time.sleep(max(0.0, mended - time.time()))
            file.unlink()
        time.sleep(max(0.0, moment - time.time()))

    def _send(self) -> None:
        """The next bar of each symbol, in one call."""
        stamp = bar_time(self._began, self._place).isoformat()
        self._place += 1
        bars = [
            {"symbol": ticker, "timeframe": "1m", "timestamp": stamp, **self._walk(ticker)} for ticker in self._tickers
        ]
        answer = self._http.post(f"{self._own.url}/api/v1/scanner/bars", json=bars).raise_for_status()
        if answer.json()["accepted"] != len(bars):
            raise RuntimeError(answer.text[:200])

    def _walk(self, ticker: str) -> dict[str, float]:
        values = walked(self._closes[ticker], self._chance)
        self._closes[ticker] = values["close"]
        return values

    def _wait(self) -> None:
        """Until no bar waits."""
        wait_until(lambda: not broken_rows.number(self._own, broken_rows.WAITING), "all bars are done", MADE_UP_S)

    def _is_whole(self) -> bool:
        """Whether the detector is on, and has missed no bar that it has not made up for."""
        answer = self._http.get(f"{self._own.url}/api/v1/scanner/detectors").raise_for_status()
        mine = next(row for row in answer.json()["results"] if row["name"] == Breakable.name)
        return bool(mine["state"] == "on" and mine["missing_bars"] == 0)


if __name__ == "__main__":
    main()
