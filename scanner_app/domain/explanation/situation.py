"""What the sentences are made from: plain values, gathered by the reader or by a test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from scanner_app.domain.breaker import Breaker, Rules, State
from scanner_app.domain.enums import Lane, Stage, SymbolState


class MessageLocation(StrEnum):
    """Where the message of a bar that is due is."""

    WORKER = "worker"  # a worker has it: it runs, or is about to
    QUEUED = "queued"  # in its queue, not taken yet
    NO_WORKER = "no_worker"  # in its queue, and no worker of its lane tells of itself
    NOWHERE = "nowhere"  # in no queue, and no worker reports it
    UNKNOWN = "unknown"  # the broker does not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """Who did something, when and why: a line of the timeline."""

    at: datetime
    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptError:
    """What the last failed attempt said."""

    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSituation:
    """The bar in flight."""

    timeframe: str
    timestamp: datetime
    attempts: int = 0  # failures so far
    stage: Stage | str = Stage.RUN
    failing_since: datetime | None = None  # its first failure of this row
    error: AttemptError | None = None  # its last one's
    due_since: datetime | None = None  # None: its time has not come, or nothing may run
    location: MessageLocation | None = None  # None: nobody was asked, since it is not due
    losses: int = 0  # times in a row that it was lost with a whole worker
    late: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowLane:
    """How a symbol came into the slow lane, and its way back."""

    moved: LoggedEvent | None
    quick_bars: int  # in a row so far
    quick_bars_needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringAlert:
    """An alert of the symbol that fires."""

    rule: str
    message: str  # one sentence
    fired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that is to be known of one symbol at one moment."""

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
    stuck_s: float  # a head that is due, not paused and not done for longer is trouble: what the alert goes by too
    head: HeadSituation | None = None
    next_attempt_at: datetime | None = None  # when the head will really run; None: now, or nothing may run
    held: LoggedEvent | None = None  # since when and why it holds
    backlog: int = 0  # the head included
    pace_s: float | None = None  # seconds that a bar takes when bars wait; None: unknown
    catching_up: bool = False  # bars of a pause are not worked off yet
    ever_accepted: bool = True
    last_processed_at: datetime | None = None
    last_error: str = ""
    slow: SlowLane | None = None  # None: in the main lane
    max_losses: int = 3
    quarantined: int = 0
    is_stale: bool = False
    data_age_s: float | None = None
    stale_for_s: float = 0  # trading time beyond what its timeframe allows
    alerts: Sequence[FiringAlert] = ()  # the worst first

    @property
    def circuit(self) -> State:
        """The breaker's state now."""
        return self.breaker.state(self.rules, self.now)

    @property
    def half_open_at(self) -> datetime:
        """When the breaker lets the probe run, or did; now while it is closed."""
        return self.breaker.half_open_at(self.rules) or self.now

    @property
    def lane(self) -> Lane:
        """The name of its lane."""
        return Lane.MAIN if self.slow is None else Lane.SLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedBar:
    """A bar that was processed, as the pace is taken from."""

    accepted_at: datetime
    finished_at: datetime
    attempts: int
    held: bool  # accepted before a pause had been worked off


MIN_INTERVALS = 3
"""Times between results below which they say nothing: one of two may be a pause that an operator made."""


def pace(done: Sequence[FinishedBar]) -> float | None:
    """Seconds that a bar takes while others wait behind it; None without any bar to judge by.

    `done` are a symbol's last bars in the order of their numbers. The median of the times between two results,
    the second of a bar that was there already; where too few had to wait, of the times from acceptance to
    result. Bars with retries, and the waiting of bars that were held, tell of the pause and not of the pace.
    """
    waited = [
        after.finished_at - before.finished_at
        for before, after in pairwise(done)
        if after.attempts == 1 and after.accepted_at <= before.finished_at
    ]
    alone = [bar.finished_at - bar.accepted_at for bar in done if bar.attempts == 1 and not bar.held]
    spans = waited if len(waited) >= MIN_INTERVALS else alone
    return max(0.0, median(one / timedelta(seconds=1) for one in spans)) if spans else None
