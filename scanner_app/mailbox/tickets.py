"""A head that may run now, as a value."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scanner_app.domain import staleness
from scanner_app.messaging.messages import Message
from scanner_app.models import Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A head that may run now: its message, its bar, and what the row said when it started."""

    message: Message
    bar_id: int
    timeframe: str
    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None  # None: unknown
    late: bool
    replayed: bool
    revised: bool = False  # has had other values
    accepted_at: datetime
    request_id: str | None = None  # of the request that brought the bar, if one did
    calendar: str = ""  # the symbol's own; "": by its ticker
    held: bool  # accepted before a pause had been worked off
    revision: int = 0  # of the symbol's bars when the head was read: an older window shows in a completion
    is_common: bool = False  # the head's first run, with no failure before it that its success would have to clear
    latencies: list[list[int]]  # SymbolStatus.latencies; only a completion of the head changes it

    @property
    def latency_counts(self) -> bool:
        """Whether its latency says something about the engine's speed: it was neither held nor history when it came."""
        return not self.held and staleness.is_fresh(self.timeframe, self.timestamp, self.accepted_at)

    @property
    def logged(self) -> dict[str, Any]:
        """Its fields in a log line."""
        bar = {"timeframe": self.timeframe, "bar_time": f"{self.timestamp:%Y-%m-%dT%H:%M:%SZ}"}
        request = {"request_id": self.request_id} if self.request_id else {}
        return self.message.logged | bar | request


def ticket_of(message: Message, bar: Bar, *, held: bool = False, latencies: list[list[int]] | None = None) -> Ticket:
    """The ticket that lets `message` run `bar`."""
    return Ticket(
        message=message,
        bar_id=bar.pk,
        timeframe=bar.timeframe,
        timestamp=bar.timestamp,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        late=bar.late,
        replayed=bar.replayed,
        accepted_at=bar.accepted_at,
        request_id=bar.request_id,
        held=held,
        latencies=latencies or [],
    )
