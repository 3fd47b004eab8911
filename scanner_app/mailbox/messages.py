"""What travels between the database and the workers, as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote


class Outcome(StrEnum):
    """What a call of the mailbox did; also the word in logs and metrics."""

    COMPLETED = "completed"  # head -> next head, or idle
    DEFERRED = "deferred"  # head stays, published anew for the time when it may run
    RETRYING = "retrying"  # failure recorded, head stays, Celery retries it
    CONTROL = "control"  # retries used up: the control run is published
    HOLDING = "holding"  # the fault is not the bar's: head stays, probed at the recovery time
    QUARANTINED = "quarantined"  # head set aside, next head
    SUPERSEDED = "superseded"  # nothing changed: the head has moved on, or the message is stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One delivery of a head: numbers that say which state of which row it was made for."""

    symbol_id: int
    ticker: str
    sequence: int
    epoch: int
    retries: int  # Celery's: failures of this head before this run
    deferrals: int = 0  # how often this head was published anew for a later time
    control: bool = False  # a control run instead of the head's own
    bar: str = ""  # timeframe and time of the bar, for people who look at Flower

    @property
    def task_id(self) -> str:
        """The same for every delivery and attempt of a bar, so that Flower shows them as one task."""
        kind = "-control" if self.control else ""
        return f"{quote(self.ticker, safe='')}-{self.sequence}-e{self.epoch}{kind}"

    @property
    def identity(self) -> str:
        """What the workers' tells and the sweeper know this delivery by."""
        return identity(self.task_id, self.retries)

    @property
    def logged(self) -> dict[str, Any]:
        """What a line of the log says of it."""
        # The control run is no attempt of its own: it follows the last one.
        attempt = self.retries if self.control else self.retries + 1
        return {"symbol": self.ticker, "sequence": self.sequence, "attempt": attempt}

    def __str__(self) -> str:
        return f"{self.ticker} {self.bar} #{self.sequence} attempt {self.retries + 1}"


def identity(task_id: str, retries: int) -> str:
    """A delivery's identity from what Celery knows of it."""
    return f"{task_id}/{retries}"


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
    volume: float
    late: bool
    replayed: bool
    accepted_at: datetime
    request_id: str | None = None  # of the request that brought the bar, if one did
    held: bool  # accepted before a pause had been worked off
    latencies: list[list[int]]  # SymbolStatus.latencies; only a completion of the head changes it

    @property
    def logged(self) -> dict[str, Any]:
        """What a line of the log says of it."""
        bar = {"timeframe": self.timeframe, "bar_time": f"{self.timestamp:%Y-%m-%dT%H:%M:%SZ}"}
        request = {"request_id": self.request_id} if self.request_id else {}
        return self.message.logged | bar | request
