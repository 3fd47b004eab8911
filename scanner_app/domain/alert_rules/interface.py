"""What an alert rule is, the facts that it gets, and its findings: values only, no Django, no clock, no I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scanner_app.domain.enums import FeedState, Severity
from scanner_app.domain.unexpected import UnexpectedErrors

MAX_NAMES = 5
"""Most symbols that one sentence names."""

BREAKER = "breaker"
"""Under this name runbook and silences know the messages about breakers that open and close, which no rule sends."""


def runbook_file(rule: str) -> str:
    """The path of a rule's runbook page in the repository; also for the name of a rule that no longer exists."""
    return f"docs/runbook/{rule}.md"


def runbook_page(rule: str) -> str:
    """The page that shows a rule's runbook: a path of the site."""
    return f"/runbook/{rule}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The thresholds of the rules. Each comes from the setting SCANNER_ALERT_ + its name in capitals."""

    healthy_percent: int  # fewer healthy symbols, in percent of the enabled ones, are too few
    p95_ms: int
    open_breakers: int
    stale_s: float  # in the market's trading time
    stuck_s: float
    backlog: int  # bars of one symbol
    answer_ms: int  # of database and broker
    gap_s: float  # since the finding of a hole in a live feed's series


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFacts:
    """One symbol that is not being deleted, at one moment."""

    id: int
    ticker: str
    enabled: bool
    healthy: bool  # its state is processing
    breaker_open: bool  # until the half-open moment
    slow_p95_ms: int = 0  # the p95 of fresh bars, if it is over the symbol's limit, else 0
    p95_limit_ms: int | None = None  # the symbol's own limit; None: that of the settings
    backlog: int = 0  # the head included
    stale_for_s: float = 0  # trading time beyond what its timeframe allows
    lane: str = ""  # whose workers take its bars: a subject of no_worker
    due_since: datetime | None = None  # since when its head could run; None: no head, or it may not run now
    in_line: bool = False  # its head's queue is on the ready list: it waits for a free worker
    outages: int = 0  # runs of its head in a row that ended with an outage


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """What the heartbeat of one living worker says."""

    name: str
    role: str
    unanswered_s: float = 0  # how long its wait for messages has had no answer while it had free slots
    deaf: bool = False  # whether that is too long
    clock_ahead_s: float | None = None  # its clock minus the database's; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """What the broker knows. If it does not answer, only `error` is set."""

    answer_ms: float = 0
    error: str = ""  # why it did not answer, or took no write
    refuses: bool = False  # it answers, but takes no writes
    workers: tuple[WorkerFacts, ...] = ()
    swept_ago_s: float | None = None  # since the sweeper's last run; None: longer than that is remembered
    ready: frozenset[str] = frozenset()  # the queues on the ready lists

    @property
    def answers(self) -> bool:
        """Whether the broker answers; otherwise the other fields mean nothing."""
        return not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """One enabled live feed. Its state is not known while the broker does not answer."""

    name: str
    state: FeedState
    last_error: str = ""
    quiet_s: float | None = None  # since the last message of its venue; None: not known
    gaps_open: int = 0
    bars_missing: int = 0  # in these holes
    oldest_gap_s: float = 0  # since the oldest of them was found


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRule:
    """A trader's rule that failed, as it is now."""

    id: int
    name: str
    owner: str
    series: int  # on how many it is off
    ticker: str  # of the last failure
    timeframe: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the rules look at, as it was at one moment."""

    now: datetime
    limits: Limits
    evaluated_at: datetime | None = None  # when the rules were evaluated last; None: never, or not known
    symbols: tuple[SymbolFacts, ...] = ()  # by ticker
    broker: BrokerFacts = field(default_factory=BrokerFacts)
    database_ms: float = 0  # duration of one small write
    beat_ago_s: float | None = None  # since beat last triggered an evaluation; None: never
    sweep_patience_s: float = 15  # the sweeper is late if its last run is longer ago; /readyz uses it too
    sweep_memory_s: float = 60  # how long the sweeper's last run is remembered
    watch_s: float = 5  # period of the evaluation
    feeds: tuple[FeedFacts, ...] = ()  # by name
    in_quarantine: Mapping[str, int] = field(default_factory=dict)  # bars by ticker
    failed_rules: tuple[FailedRule, ...] = ()  # of traders
    unexpected: tuple[UnexpectedErrors, ...] = ()  # series that are not over


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule holds for a symbol, for another subject such as a worker, or (without either) for the whole scanner."""

    message: str  # one sentence, with the figures of now
    kept: str = ""  # the same for reading later, as what was then; empty: the message says nothing that changes
    symbol_id: int | None = None
    ticker: str = ""
    subject: str = ""
    stronger_subject: str = ""  # a stronger rule that holds for this subject explains the finding, and mutes it

    @property
    def key(self) -> tuple[int | None, str]:
        """Identifies the finding among those of its rule."""
        return self.symbol_id, self.subject


Find = Callable[[Facts], Iterable[Finding] | None]
"""Returns the rule's findings; None: the facts don't say whether it holds, so its open alerts stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One condition that is worth an alert. Its runbook is docs/runbook/NAME.md.

    Raises ValueError for negative times, and unless `renew_s` is positive.
    """

    name: str
    severity: Severity
    title: str  # what is wrong, in a few words, for subjects and summaries
    find: Find
    for_s: float  # must hold for so long before it fires
    clear_s: float  # must not hold for so long before it is resolved
    renew_s: float  # interval of the reminders while it fires
    muted_by: tuple[str, ...] = ()  # stronger rules: while one of them fires, nothing is sent about this one
    plural_title: str = ""  # the title for several subjects, put after their number
    counts_at_once: bool = False  # counts in the overall status as soon as it holds, not only once it fires
    says_cause: bool = False  # its message has a cause and no figures: an open alert always has that of now

    def __post_init__(self) -> None:
        if min(self.for_s, self.clear_s) < 0 or self.renew_s <= 0:
            raise ValueError(f"{self.name}: times must not be negative, and renew_s must be positive")

    @property
    def runbook(self) -> str:
        """The path of its runbook in the repository."""
        return runbook_file(self.name)


def some_names(tickers: Iterable[str], count: int) -> str:
    """The first MAX_NAMES tickers of `count`, and how many more there are: "A, B and 3 more"."""
    shown = list(tickers)[:MAX_NAMES]
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
