"""Clients that post bars at a steady rate and record each answer before they go on."""

import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from scanner_app.tools.chaos.account import BarRow, Logged, SignalRow
from scanner_app.tools.chaos.stack import ChaosError

START = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

ANSWER_S = 40.0
"""Longest wait for an answer: longer than the database's longest wait for its lock."""

RETRY_SHARE = 0.7
"""The share of requests without an answer that are sent again. For the others it stays unknown what became of them."""

RETRY_PAUSE_S = 0.3
PAGE = 1000
READ_TRIES = 5


def bar(symbol: str, number: int) -> dict[str, Any]:
    """Bar `number` of a symbol, from 1: its minute and its volume are its number."""
    return {
        "symbol": symbol,
        "timeframe": "1m",
        "timestamp": (START + number * MINUTE).isoformat(),
        "open": 10,
        "high": 12,
        "low": 9,
        "close": 10 + number % 2,
        "volume": number,
    }


class Log:
    """What was answered, in memory and in a file that is kept after the run. All clients share it."""

    def __init__(self, file: Path) -> None:
        """Begin an empty log."""
        self.entries: list[Logged] = []
        self.trouble: list[str] = []  # answers that are neither 202 nor 5xx
        self.errors: dict[str, int] = {}  # requests without a usable answer, by error
        self._file = file.open("w")
        self._lock = threading.Lock()

    def add(self, entries: list[Logged]) -> None:
        """Record the bars of one request."""
        with self._lock:
            self.entries += entries
            for entry in entries:
                line = {"symbol": entry.symbol, "number": entry.number, "accepted": entry.accepted}
                self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def count_error(self, what: str) -> None:
        """Count a request without a usable answer."""
        with self._lock:
            self.errors[what] = self.errors.get(what, 0) + 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Poster:
    """Posts to one scanner, one request after the other."""

    def __init__(self, url: str, token: str, log: Log, seed: int) -> None:
        """The seed decides which requests are sent again."""
        self._http = client(url, token)
        self._log = log
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def post(self, bars: list[tuple[str, int]], *, over: threading.Event | None = None) -> None:
        """Send one request until it is answered or given up, and record which."""
        doubtful = False
        while True:
            accepted = self._try([bar(symbol, number) for symbol, number in bars], doubtful=doubtful)
            if accepted is not None or self._dice.random() > RETRY_SHARE or (over and over.is_set()):
                break
            doubtful = True
            time.sleep(RETRY_PAUSE_S)
        self._log.add([Logged(symbol=s, number=n, accepted=bool(accepted)) for s, n in bars])

    def _try(self, bars: list[dict[str, Any]], *, doubtful: bool) -> bool | None:
        """True if all bars are known to be accepted; None without an answer."""
        try:
            answer = self._http.post("bars", json=bars)
        except httpx.TransportError as exc:
            self._log.count_error(type(exc).__name__)
            return None
        if answer.is_server_error:
            self._log.count_error(str(answer.status_code))
            return None
        report: dict[str, Any] = answer.json() if answer.status_code == httpx.codes.ACCEPTED else {}
        # Sent again after it was accepted without an answer, a bar is a duplicate: accepted all the same.
        taken: int = report.get("accepted", 0) + (report.get("duplicates", 0) if doubtful else 0)
        if taken != len(bars):
            self._log.trouble.append(f"{answer.status_code} {answer.text[:300]}")
        return taken == len(bars)


class Feed(threading.Thread):
    """One client. Each round it posts a bar of each of its symbols; it makes up for rounds that come late."""

    def __init__(self, poster: Poster, symbols: list[str], *, round_s: float, over: threading.Event) -> None:
        """Goes on until `over` is set."""
        super().__init__(name=f"feed {symbols[0]}", daemon=True)
        self._poster = poster
        self._symbols = symbols
        self._round_s = round_s
        self._over = over

    def run(self) -> None:
        """Post, round by round."""
        began, number = time.monotonic(), 0
        while not self._over.wait(max(0.0, began + number * self._round_s - time.monotonic())):
            number += 1
            self._poster.post([(symbol, number) for symbol in self._symbols], over=self._over)


def client(url: str, token: str) -> httpx.Client:
    """A client of the API. It uses no proxy, and keeps no connection for longer than the web server does."""
    return httpx.Client(
        base_url=f"{url}/api/v1/scanner/",
        headers={"Authorization": f"Token {token}"},
        timeout=ANSWER_S,
        trust_env=False,
        limits=httpx.Limits(keepalive_expiry=1.0),
    )


class Reader:
    """Reads what the scanner has stored."""

    def __init__(self, url: str, token: str) -> None:
        """Signed in with the token."""
        self._http = client(url, token)

    def waiting(self) -> dict[str, int] | None:
        """Enabled symbols with waiting bars, and how many bars each has processed; None without an answer."""
        try:
            answer = self._http.get("status", timeout=10)
            symbols: list[dict[str, Any]] = answer.json()["symbols"]
        except (httpx.TransportError, ValueError, KeyError):
            return None
        return {row["symbol"]: row["bars_processed"] for row in symbols if row["enabled"] and row["backlog"]}

    def status(self) -> list[dict[str, Any]]:
        """Every symbol's status."""
        symbols: list[dict[str, Any]] = self._get("status")["symbols"]
        return symbols

    def bars(self) -> list[BarRow]:
        """All bars, as they are now."""
        return [
            BarRow(
                symbol=row["symbol"],
                number=_number(row),
                sequence=row["sequence"],
                status=row["status"],
                accepted_at=datetime.fromisoformat(row["accepted_at"]),
                finished_at=None if row["finished_at"] is None else datetime.fromisoformat(row["finished_at"]),
            )
            for row in self._rows("bars")
        ]

    def signals(self) -> list[SignalRow]:
        """All signals of the witness."""
        return [
            SignalRow(symbol=row["symbol"], number=_number(row), before=round(row["strength"]))
            for row in self._rows("signals", detector="witness")
        ]

    def failures(self) -> dict[str, int]:
        """How many attempts failed, by the error's type."""
        counts: dict[str, int] = {}
        for row in self._rows("failures"):
            counts[row["error_type"]] = counts.get(row["error_type"], 0) + row["times"]
        return counts

    def _rows(self, path: str, **filters: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        params: httpx.QueryParams | None = httpx.QueryParams(page_size=PAGE, **filters)
        while params is not None:
            page = self._get(path, params)
            rows += page["results"]
            params = httpx.URL(page["next"]).params if page["next"] else None
        return rows

    def _get(self, path: str, params: httpx.QueryParams | None = None) -> dict[str, Any]:
        for _ in range(READ_TRIES):
            try:
                answer = self._http.get(path, params=params)
                if answer.status_code == httpx.codes.OK:
                    page: dict[str, Any] = answer.json()
                    return page
            except httpx.TransportError:
                pass
            time.sleep(1)
        raise ChaosError(f"{path} can't be read back")


def _number(row: dict[str, Any]) -> int:
    return round((datetime.fromisoformat(row["timestamp"]) - START) / MINUTE)
