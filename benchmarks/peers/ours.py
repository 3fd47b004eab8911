"""The scanner itself, as the peers' driver feeds it: through its own ingest, in a process that is part of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import django
from django.utils import timezone

from benchmarks.peers import job

django.setup()

from scanner_app.engine import ingest  # noqa: E402 - models need Django set up

BASE = datetime.now(UTC).replace(microsecond=0) - timedelta(days=300)
"""Opening of a symbol's bar number 0, in this process: all bars are of the past, within retention."""


def send(bars: Sequence[job.Bar]) -> None:
    """Have bars accepted in this order. The volume is the bar's number, to be known by."""
    for begin in range(0, len(bars), ingest.MAX_BARS):
        chunk = bars[begin : begin + ingest.MAX_BARS]
        report = ingest.accept([_raw(bar) for bar in chunk], now=timezone.now())
        if report.accepted != len(chunk):
            raise RuntimeError(f"of {len(chunk)} bars {report.accepted} were accepted: {report.rejected[:1]}")


def _raw(bar: job.Bar) -> dict[str, object]:
    prices = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0}
    timestamp = BASE + timedelta(seconds=bar.number)
    return {"symbol": bar.symbol, "timeframe": "1s", "timestamp": timestamp, **prices, "volume": float(bar.number)}
