"""A head's message as a value. How the broker stores it is in envelopes.py."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

_TASK_ID = re.compile(r"(?P<ticker>.+)-(?P<sequence>[0-9]+)-e[0-9]+(-control)?")
_DUE = re.compile(r", due (?P<time>[0-9T:.-]+Z)$")
_ATTEMPT = re.compile(r" attempt [0-9]+(, due \S+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The message that has a worker run a head or its control run, with the row's state for which it was made."""

    symbol_id: int
    ticker: str
    sequence: int
    epoch: int
    retries: int  # Celery's: failures of this head before this run
    deferrals: int = 0  # how often this head was published again for a later time
    control: bool = False  # a control run instead of the head's own
    bar: str = ""  # timeframe and time of the bar, for people who look at Flower

    @property
    def task_id(self) -> str:
        """The same for every delivery and attempt of a bar, so that Flower shows them as one task."""
        kind = "-control" if self.control else ""
        return f"{quote(self.ticker, safe='')}-{self.sequence}-e{self.epoch}{kind}"

    @property
    def identity(self) -> str:
        """This delivery's name in the workers' heartbeats and for the sweeper."""
        return identity(self.task_id, self.retries)

    @property
    def logged(self) -> dict[str, Any]:
        """Its fields in a log line."""
        # The control run is no attempt of its own: it follows the last one.
        attempt = self.retries if self.control else self.retries + 1
        return {"symbol": self.ticker, "sequence": self.sequence, "attempt": attempt}

    def __str__(self) -> str:
        return f"{self.ticker} {self.bar} #{self.sequence} attempt {self.retries + 1}"


def in_words(message: Message, due: datetime | None) -> str:
    """What Flower shows of a message that may run at `due` (aware; None: at once)."""
    return f"{message}{_when(due)}"


def next_in_words(shown: str, retries: int, due: datetime | None) -> str:
    """What Flower shows of the retry of a message that it showed as `shown`, whose `retries` is then this."""
    return f"{_ATTEMPT.sub('', shown)} attempt {retries + 1}{_when(due)}"


def _when(due: datetime | None) -> str:
    return "" if due is None else f", due {due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def due_in(shown: str) -> datetime | None:
    """The time in what Flower shows; None if there is none."""
    found = _DUE.search(shown)
    return None if found is None else datetime.fromisoformat(found["time"])


def names_in(task_id: str) -> tuple[str, int] | None:
    """Ticker and sequence of the head whose task this is; None if it is another task's id."""
    found = _TASK_ID.fullmatch(task_id)
    return None if found is None else (unquote(found["ticker"]), int(found["sequence"]))


def identity(task_id: str, retries: int) -> str:
    """A delivery's identity, from the two things that Celery knows of it."""
    return f"{task_id}/{retries}"
