"""What the sentences are made from: plain values that `reading/explanation.py`, or a test, gathers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from scanner_app.domain.breaker import Breaker, Rules, State
from scanner_app.domain.enums import Lane, Stage, SymbolState


class MessageLocation(StrEnum):
    """Where the message of a due head is."""

    WORKER = "worker"  # a worker has it: it runs, or is about to
    QUEUED = "queued"  # in its queue, not taken yet
    NO_WORKER = "no_worker"  # in its queue, and its lane has no worker with a heartbeat
    NOWHERE = "nowhere"  # in no queue, and no worker reports it
    UNKNOWN = "unknown"  # the broker does not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event of the timeline: who did something, when and why."""

    at: datetime
    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptError:
    """The error of a failed attempt."""

    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSituation:
    """The head of the symbol."""

    timeframe: str
    timestamp: datetime
    attempts: int = 0  # failures so far
    stage: Stage | str = Stage.RUN
    failing_since: datetime | None = None  # the first of its failures since it was accepted or reset
    error: AttemptError | None = None  # of its last failure
    due_since: datetime | None = None  # None: it must still wait, or its symbol may not run
    location: MessageLocation | None = None  # None: not looked up, since it is not due
    losses: int = 0  # times in a row that its message was lost with a worker
    late: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormingSituation:
    """A bar whose period is not over."""

    timeframe: str
    timestamp: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowLane:
    """Why a symbol is in the slow lane, and when it returns."""

    moved: LoggedEvent | None
    quick_bars: int  # in a row so far
    quick_bars_needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringAlert:
    """A firing alert of the symbol."""

    rule: str
    message: str  # one sentence
    fired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """A span of bars that the detectors look at again."""

    timeframe: str
    bars_done: int
    bars_left: int
    revised: bool  # because bars have got other values
    failures: int = 0  # of a detector, in a row
    next_attempt_at: datetime | None = None  # after a failure
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that is known about one symbol at one moment."""

    ticker: str
    now: datetime
    created_at: datetime
    state: SymbolState | str = SymbolState.PROCESSING
    enabled: bool = True
    switched: LoggedEvent | None = None  # who disabled it
    deleted_at: datetime | None = None
    deleted: LoggedEvent | None = None  # who deleted it
    breaker: Breaker = field(default_factory=Breaker)
    rules: Rules
    delays_s: Sequence[float]
    stuck_s: float  # a head that is due for longer than this is stuck; the alert rule uses the same limit
    head: HeadSituation | None = None
    next_attempt_at: datetime | None = None  # when the head will run; None: now, or its symbol may not run
    held: LoggedEvent | None = None  # when and why the hold began
    backlog: int = 0  # the head included
    pace_s: float | None = None  # seconds that a bar takes when bars wait; None: unknown
    catching_up: bool = False  # bars that waited during a pause are still being worked off
    ever_accepted: bool = True
    forming: FormingSituation | None = None  # looked up for a symbol without bars
    last_processed_at: datetime | None = None
    last_error: str = ""
    slow: SlowLane | None = None  # None: in the main lane
    max_losses: int = 3
    quarantined: int = 0
    second_looks: Sequence[SecondLook] = ()
    is_stale: bool = False
    data_age_s: float | None = None
    stale_for_s: float = 0  # trading time beyond what its timeframe allows
    alerts: Sequence[FiringAlert] = ()  # the worst first

    @property
    def breaker_state(self) -> State:
        """The breaker's state now."""
        return self.breaker.state(self.rules, self.now)

    @property
    def half_open_at(self) -> datetime:
        """When the breaker lets (or let) the probe run; now if it is closed."""
        return self.breaker.half_open_at(self.rules) or self.now

    @property
    def lane(self) -> Lane:
        """The name of its lane."""
        return Lane.MAIN if self.slow is None else Lane.SLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedBar:
    """A processed bar, with what `pace` needs of it."""

    accepted_at: datetime
    finished_at: datetime
    attempts: int
    held: bool  # it had to wait for a pause of its symbol


MIN_INTERVALS = 3
"""Fewer intervals than this are not used: one of two may be a pause that an operator made."""


def pace(done: Sequence[FinishedBar]) -> float | None:
    """Seconds that a bar takes while others wait behind it; None if no bar can be used.

    `done` are the symbol's last bars in the order of their sequence. The pace is the median time between two results
    when the second bar was already waiting. If there are too few such intervals, it is the median time from acceptance
    to result. Bars with retries and held bars are left out: their times show the pause, not the pace.
    """
    waited = [
        after.finished_at - before.finished_at
        for before, after in pairwise(done)
        if after.attempts == 1 and after.accepted_at <= before.finished_at
    ]
    alone = [bar.finished_at - bar.accepted_at for bar in done if bar.attempts == 1 and not bar.held]
    spans = waited if len(waited) >= MIN_INTERVALS else alone
    return max(0.0, median(one / timedelta(seconds=1) for one in spans)) if spans else None
