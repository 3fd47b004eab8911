"""Bars that are posted to a running scanner meanwhile, and the account of them afterwards."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from tests.waiting import wait_until

START = datetime(2024, 1, 1, tzinfo=UTC)
SYMBOLS = 8
PAUSE_S = 0.2


class Feed:
    """A sender of one bar of each symbol at a time, which sends a call again until it is accepted."""

    def __init__(self, port: int, password: str) -> None:
        self.api = f"http://127.0.0.1:{port}/api/v1/"
        answer = httpx.post(f"{self.api}auth/token", json={"username": "admin", "password": password}, timeout=30)
        self.headers = {"Authorization": f"Token {answer.json()['token']}"}
        self.accepted = 0  # bars of each symbol
        self.answers: set[int] = set()  # status codes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def get(self, path: str, **params: Any) -> Any:
        return httpx.get(f"{self.api}scanner/{path}", headers=self.headers, params=params, timeout=30).json()

    def has_accepted(self, number: int) -> bool:
        return self.accepted >= number

    def backlog(self) -> int | None:
        with suppress(httpx.HTTPError, ValueError, KeyError):
            return int(self.get("status")["backlog"])
        return None

    def check_account(self) -> None:
        """Every bar that was accepted is processed, once and in order."""
        for number in range(SYMBOLS):
            rows: list[dict[str, Any]] = []
            page = self.get("bars", symbol=f"S{number}", page_size=1000)
            rows += page["results"]
            while page["next"]:
                page = httpx.get(page["next"], headers=self.headers, timeout=30).json()
                rows += page["results"]
            rows.reverse()
            assert [row["sequence"] for row in rows] == list(range(1, self.accepted + 1))
            assert {row["status"] for row in rows} == {"processed"}

    def wait_for_empty_backlog(self, *, deadline_s: float) -> None:
        wait_until(lambda: self.backlog() == 0, "every bar is done", deadline_s=deadline_s)

    def _send(self) -> None:
        with httpx.Client(headers=self.headers, timeout=30) as client:
            while not self._stopped.is_set():
                bars = [self._bar(f"S{number}") for number in range(SYMBOLS)]
                with suppress(httpx.HTTPError, ValueError, KeyError):
                    answer = client.post(f"{self.api}scanner/bars", json=bars)
                    self.answers.add(answer.status_code)
                    report = answer.json()
                    # a call whose answer was lost comes as duplicates when it is sent again
                    if answer.status_code == 202 and report["accepted"] + report["duplicates"] == SYMBOLS:
                        self.accepted += 1
                time.sleep(PAUSE_S)  # the pace of a feed; nothing waits for it

    def _bar(self, symbol: str) -> dict[str, Any]:
        opened = START + timedelta(minutes=self.accepted)
        values = {"open": 10, "high": 12, "low": 9, "close": 11, "volume": 1000}
        return {"symbol": symbol, "timeframe": "1m", "timestamp": opened.isoformat(), **values}
