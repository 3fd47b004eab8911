"""A day in little: the one-minute bars of 8,000 symbols, every minute all of them at once.

The scanner as `make up` runs it, with the shipped detectors. Of each minute: how long until the last bar was done, how
many waited when the next minute came, and the memory; at the end the alerts that fired.
`python -m benchmarks.day [--symbols 8000] [--minutes 20]`
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks import goal_tables
from benchmarks.footprint import Made, scanner_of_make_up
from benchmarks.load import store
from benchmarks.own import in_a_process

CALL = 4_000
"""Bars of a call; the API takes 5,000."""

POLL_S = 0.5

WITHIN_S = 55.0
"""Seconds of a minute after which its bars are no longer waited for."""


def run(*, rounds: int, database: str, results: Path, minutes: int = 20, symbols: int = 8_000) -> None:  # noqa: ARG001 - once
    """Measure in a process of its own."""
    in_a_process("benchmarks.day", database=database, results=results, minutes=minutes, symbols=symbols)


def main() -> None:
    """Parse, measure, print, store."""
    parser = argparse.ArgumentParser(prog="benchmarks.day", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--symbols", type=int, default=8_000)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--results", type=Path, default=Path("var/benchmarks"), metavar="FOLDER")
    options = parser.parse_args()
    kind = "postgresql" if options.database else "sqlite"
    with scanner_of_make_up(options.database) as made:
        day = Day(made, options.symbols)
        rows = [{"database": kind, "symbols": options.symbols, **row} for row in day.minutes(options.minutes)]
        alerts = day.alerts()
    print(f"\n{kind}\n\n{goal_tables.day(rows)}\n\nAlerts that fired: {', '.join(alerts) or 'none'}\n")  # noqa: T201
    store(options.results, f"day-{kind}", [{**row, "alerts": alerts} for row in rows], database=kind)


class Day:
    """Sends the minutes, and watches how they are worked off."""

    def __init__(self, made: Made, symbols: int) -> None:
        self._made = made
        self._url = f"{made.url}/api/v1/scanner"
        self._http = httpx.Client(headers={"Authorization": f"Token {made.token}"}, timeout=120)
        self._tickers = [f"D{number:05d}" for number in range(symbols)]

    def minutes(self, number: int) -> list[dict[str, Any]]:
        """A row of each minute, the first of which makes the symbols."""
        rows: list[dict[str, Any]] = []
        for minute in range(number):
            time.sleep(60 - time.time() % 60)
            opened = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
            waiting, began = self._made.waiting(), time.monotonic()
            self._send(opened, minute)
            accepted_s = round(time.monotonic() - began, 1)
            row = {
                "minute": minute + 1,
                "waiting_before": waiting,
                "accepted_s": accepted_s,
                "done_s": self._done(began),
            }
            rows.append({**row, "pss_mb": round(self._made.look()[-1]["pss_mb"])})
            print(rows[-1], flush=True)  # noqa: T201
        return rows

    def _done(self, began: float) -> float | None:
        """Seconds until no bar waits; None: some still do when the next minute comes."""
        while (took := time.monotonic() - began) < WITHIN_S:
            if not self._made.waiting():
                return round(took, 1)
            time.sleep(POLL_S)
        return None

    def alerts(self) -> list[str]:
        """Rule and symbol of every alert that fired."""
        found = self._http.get(f"{self._url}/alerts", params={"page_size": 1000}).json()["results"]
        return [f"{one['rule']} {one['symbol'] or ''}".strip() for one in found if one["fired_at"]]

    def _send(self, opened: datetime, minute: int) -> None:
        price = 100.0 + minute * 7 % 13
        values = {"open": price, "high": price + 2, "low": price - 2, "close": price + 1, "volume": 1_000.0}
        for place in range(0, len(self._tickers), CALL):
            bars = [
                {"symbol": ticker, "timeframe": "1m", "timestamp": opened.isoformat(), **values}
                for ticker in self._tickers[place : place + CALL]
            ]
            self._http.post(f"{self._url}/bars", json=bars).raise_for_status()


if __name__ == "__main__":
    main()
