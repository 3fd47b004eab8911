"""Latency figures of a symbol, as pure functions: average, p95 and maximum of its last bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = 100
"""Bars in a symbol's rolling figures: enough for a p95, and few enough for one column of its row."""

FRESH = timedelta(minutes=5)
"""Latencies older than this are ignored by the alert rules."""

ENOUGH = 20
"""Bars that a figure must have to be judged by an alert rule: of fewer, one slow bar alone would be the p95."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The rolling figures of a symbol."""

    latencies: list[list[int]]  # [[ms, unix s], …], oldest first
    avg_ms: float
    p95_ms: int
    longest_ms: int


def milliseconds(accepted_at: datetime, done_at: datetime) -> int:
    """From acceptance to the result, in ms; 0 where the clocks of two hosts would make it negative."""
    return max(0, round((done_at - accepted_at) / timedelta(milliseconds=1)))


def rolling(latencies: Sequence[Sequence[int]], latency_ms: int, now: datetime, *, counts: bool) -> Figures:
    """The figures after one more bar.

    `counts`: False for a bar whose latency says nothing about the engine's speed, because it had to wait for a pause,
    or because it was history when it came. It is left out.
    """
    kept = [list(pair) for pair in latencies]
    if counts:
        kept = [*kept, [latency_ms, int(now.timestamp())]][-KEPT:]
    values = [pair[0] for pair in kept]
    return Figures(
        latencies=kept,
        avg_ms=round(sum(values) / len(values), 1) if values else 0,
        p95_ms=percentile(values, 95) or 0,
        longest_ms=max(values, default=0),
    )


def fresh_p95(latencies: Sequence[Sequence[int]], now: datetime) -> int | None:
    """The p95 (ms) that an alert rule may judge; None without fresh latencies, and with fewer than ENOUGH in all.

    It is the p95 of the fresh latencies. Where these are fewer than ENOUGH, as with 1m bars, it is never more than the
    p95 of the last ENOUGH: then neither one slow bar nor an old figure alone can make a symbol slow.
    """
    oldest = (now - FRESH).timestamp()
    fresh = [pair[0] for pair in latencies if pair[1] >= oldest]
    if not fresh or len(latencies) < ENOUGH:
        return None
    judged = fresh if len(fresh) >= ENOUGH else [pair[0] for pair in latencies[-ENOUGH:]]
    return min(percentile(values, 95) or 0 for values in (fresh, judged))


def percentile(latencies_ms: Sequence[int], percent: int) -> int | None:
    """The latency, in ms, that `percent` of the bars did not exceed; None without bars.

    Nearest rank (Hyndman & Fan 1996, definition 1): always a latency that occurred.
    Raises ValueError unless 1 <= percent <= 100.
    """
    if not 1 <= percent <= 100:
        raise ValueError(f"percent must be 1 to 100, not {percent!r}")
    ranked = sorted(latencies_ms)
    # Rounded up in integers: in floats 0.07 * 100 is above 7, which would give the wrong rank.
    return ranked[-(-percent * len(ranked) // 100) - 1] if ranked else None
