"""Bars for a scanner of this process's own, accepted right here; and how far the scanner has got with them."""

import random
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db.models import Sum
from django.utils import timezone

from benchmarks.load import Load, walked
from scanner_app.engine import ingest
from scanner_app.models import Bar, SymbolStatus

CALL_S = 0.01
"""Between two calls of a feed that is spread over the second."""

CALL_BARS = 3
"""Of a call that comes with others as fast as they can be accepted: about what CALL_S makes of 300 bars/s."""

SETTLE_S = 2.0
"""The first bars of a feed that are left out of its latencies: processes warm up."""


class Feeder:
    """Makes bars, each a second later than the one before, of whichever symbol."""

    def __init__(self, *, days_back: int = 300) -> None:
        """`days_back` is where the bars' times begin: all of them are in the past, whatever the rate."""
        self._time = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days_back)
        self._number = 0
        self.fed_rate = 0.0
        """Bars/s that the last feed came to: less than was asked for if accepting them took longer."""

    def bars(self, tickers: Sequence[str], number: int) -> list[dict[str, object]]:
        """The next bars, of the symbols in turn."""
        made = []
        for _ in range(number):
            self._number += 1
            self._time += timedelta(seconds=1)
            ticker = tickers[self._number % len(tickers)]
            made.append({"symbol": ticker, "timeframe": "1s", "timestamp": self._time, **self._values(ticker)})
        return made

    def _values(self, ticker: str) -> dict[str, float]:  # noqa: ARG002 - the same of whichever symbol
        price = 100.0 + self._number * 7 % 13
        return {"open": price, "high": price + 2, "low": price - 2, "close": price + 1, "volume": 1_000.0}

    def accept(self, load: Load) -> None:
        """Accept a whole backlog."""
        accept_all(self.bars(load.tickers, load.bars))

    def through(self, load: Load) -> float:
        """Bars/s of the whole path: accepted as fast as they can be, in calls as feeds make them, and worked off."""
        before, began = done(), time.monotonic()
        for _ in range(load.bars // CALL_BARS):
            _accept(self.bars(load.tickers, CALL_BARS))
        wait_until_idle(load.tickers)
        return (done() - before) / (time.monotonic() - began)

    def feed(self, tickers: Sequence[str], *, rate: float, seconds: float, burst: int = 0) -> list[float]:
        """Accept `rate` bars a second, spread or in bursts of so many; their latencies (s), once all are done."""
        size = burst or max(1, round(rate * CALL_S))
        calls = round(rate * seconds / size)
        began, began_at = time.monotonic(), timezone.now()
        for call in range(calls):
            if (early := began + call * size / rate - time.monotonic()) > 0:
                time.sleep(early)
            _accept(self.bars(tickers, size))
        self.fed_rate = calls * size / max(time.monotonic() - began, calls * size / rate)
        wait_until_idle(tickers)
        mine = Bar.objects.filter(
            symbol__ticker__in=tickers, accepted_at__gte=began_at + timedelta(seconds=SETTLE_S), status="processed"
        )
        return [
            (finished - accepted).total_seconds()
            for accepted, finished in mine.values_list("accepted_at", "finished_at")
            if finished is not None
        ]


class Walker(Feeder):
    """Makes bars as a market does, so that detectors and rules find about as much: each symbol walks at random."""

    def __init__(self, *, days_back: int) -> None:
        super().__init__(days_back=days_back)
        self._chance = random.Random(7)  # noqa: S311 - no secrets here
        self._closes: dict[str, float] = {}

    def _values(self, ticker: str) -> dict[str, float]:
        values = walked(self._closes.get(ticker, 100.0), self._chance)
        self._closes[ticker] = values["close"]
        return values


def accept_all(bars: Iterable[dict[str, object]]) -> None:
    """Accept any number of bars."""
    left = iter(bars)
    while chunk := list(islice(left, ingest.MAX_BARS)):
        _accept(chunk)


def _accept(bars: Sequence[dict[str, object]]) -> None:
    report = ingest.accept(bars, now=timezone.now())
    if report.accepted != len(bars):
        raise RuntimeError(f"of {len(bars)} bars {report.accepted} were accepted: {report.rejected[:1]}")


def done() -> int:
    """Bars that the scanner is through with, of all symbols."""
    return SymbolStatus.objects.aggregate(sum=Sum("cursor"))["sum"] or 0


def forgotten() -> int:
    """Bars that retention has removed; no symbol has been deleted."""
    return (SymbolStatus.objects.aggregate(sum=Sum("last_sequence"))["sum"] or 0) - Bar.objects.count()


def wait_until_idle(tickers: Sequence[str], *, patience_s: float = 120.0) -> None:
    """Return once these symbols have no backlog. Raises TimeoutError."""
    deadline = time.monotonic() + patience_s
    while SymbolStatus.objects.filter(symbol__ticker__in=tickers, head__isnull=False).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"bars still wait after {patience_s:g} s")
        time.sleep(0.1)
