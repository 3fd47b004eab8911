"""A scanner for the load test's tests: it answers at once, and misbehaves as asked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from scanner_app.tools.loadtest.client import Client

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)


class Time:
    """A clock that goes only when somebody sleeps or a request takes time."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds + 1e-7  # as a real one a bit too long, and more than a rounding


class FakeScanner:
    """Accepts all bars and has them done; `answers` are given first, one a POST: a status, an answer, an error."""

    def __init__(self, time: Time, *, post_s: float = 0.0) -> None:
        self.time = time
        self.post_s = post_s
        self.answers: list[int | Exception | BaseException | dict[str, Any] | Callable[[], httpx.Response]] = []
        self.posts: list[tuple[float, list[dict[str, Any]]]] = []  # when and what
        self.stored: dict[str, list[dict[str, Any]]] = {}
        self.backlogs: list[int] = []  # of each symbol, one a look; then 0

    def client(self) -> Client:
        return Client(
            "http://scanner",
            "T",
            transport=httpx.MockTransport(self),
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Token T"
        match request.method, request.url.path.removeprefix("/api/v1/scanner/"):
            case "POST", "bars":
                return self.take(json.loads(request.content))
            case "GET", "bars":
                return self.page(request.url.params)
            case "GET", "status":
                return self.look()
        raise AssertionError(request.url)

    def take(self, bars: list[dict[str, Any]]) -> httpx.Response:
        self.posts.append((self.time.now, bars))
        self.time.now += self.post_s
        if self.answers:
            match self.answers.pop(0):
                case int() as status:
                    return httpx.Response(status, json={"detail": "as told."})
                case dict() as report:
                    return httpx.Response(202, json=report)
                case BaseException() as exc:
                    raise exc
        accepted = sum(self.store(bar) for bar in bars)
        report = {"accepted": accepted, "duplicates": len(bars) - accepted, "conflicts": [], "rejected": []}
        return httpx.Response(202, json=report)

    def store(self, bar: dict[str, Any]) -> bool:
        rows = self.stored.setdefault(bar["symbol"], [])
        if any(row["timestamp"] == bar["timestamp"] for row in rows):
            return False
        sequence = len(rows) + 1
        finished_at = (T0 + timedelta(seconds=sequence)).isoformat()
        rows.append(bar | {"sequence": sequence, "status": "processed", "finished_at": finished_at, "latency_ms": 12})
        return True

    def page(self, params: httpx.QueryParams) -> httpx.Response:
        """Two rows a page, newest first; `next` names a host that is not ours to call."""
        rows = self.stored.get(params["symbol"], [])[::-1]
        begin = int(params.get("cursor", 0))
        following = params.set("cursor", begin + 2)
        after = f"http://inside/api/v1/scanner/bars?{following}" if begin + 2 < len(rows) else None
        return httpx.Response(200, json={"next": after, "previous": None, "results": rows[begin : begin + 2]})

    def look(self) -> httpx.Response:
        backlog = self.backlogs.pop(0) if self.backlogs else 0
        rows = [
            {"symbol": ticker, "backlog": backlog, "bars_processed": len(rows)} for ticker, rows in self.stored.items()
        ]
        other = {"symbol": "OTHER", "backlog": 7, "bars_processed": 1}
        status = {"symbols": [*rows, other], "backlog": 7, "bars_per_second": 1.5}
        return httpx.Response(200, json=status)
