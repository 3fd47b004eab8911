"""What can go wrong at the venue, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The faults. A moment's fault happens at `first_ms`; a span's lasts from there until `until_ms`, exclusive."""

    # Of the bars themselves, by the time at which they open. Where a symbol is named, only of its bars.
    HALT = "halt"  # span: nothing is traded; neither stream nor history has these bars
    SKIP = "skip"  # span: the stream says nothing of these bars; history has them
    DUPLICATE = "duplicate"  # span: the closed bars are sent twice
    DELAY = "delay"  # span: the closed bars are sent `delay_s` later, so perhaps behind the next ones
    REVISE = "revise"  # span: the closed bars are sent with other values than history has
    CORRECT = "correct"  # span: the same, and the stream sends the right values `delay_s` later

    # Of the connections
    DROP = "drop"  # moment: all connections end without a farewell
    CLOSE = "close"  # moment: all connections are closed properly
    HALF_OPEN = "half_open"  # moment: the venue forgets its connections, without the clients noticing
    SHUTDOWN = "shutdown"  # moment: the notice of maintenance; a DROP should follow
    MUTE = "mute"  # span: no bars; pings and pongs go on
    DEAF = "deaf"  # span: no bars, and no pings and no pongs either
    REFUSE = "refuse"  # span: new connections are refused with `status`

    # Of REST
    LAG = "lag"  # span: history is as it was `delay_s` ago
    SLOW = "slow"  # span: each answer takes `delay_s` longer
    FAIL = "fail"  # span: each answer is `status` (429, 418, 5xx), with Retry-After if `retry_after_s` is given


MOMENTS = frozenset({FaultKind.DROP, FaultKind.CLOSE, FaultKind.HALF_OPEN, FaultKind.SHUTDOWN})
"""The faults that happen at a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong. Times are the venue's, in ms since 1970, UTC."""

    kind: FaultKind
    first_ms: int
    until_ms: int = 0  # for a moment: nothing
    symbol: str = ""  # the venue's name; empty: all symbols
    delay_s: float = 0
    status: int = 503
    retry_after_s: float | None = None

    def holds(self, moment_ms: int, symbol: str = "") -> bool:
        """Whether a span contains this moment, and is about this symbol."""
        return self.first_ms <= moment_ms < self.until_ms and self.symbol in {"", symbol}
