"""What a rule is, what it looks at, and what it finds: values, no Django, no clock, no I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scanner_app.domain.enums import Severity

NAMED = 5
"""Symbols that a sentence about many names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What counts as too much: each is the setting SCANNER_ALERT_ and its name in capitals."""

    healthy_percent: int  # healthy symbols, in percent of the enabled ones, that are enough
    p95_ms: int
    open_breakers: int
    stale_s: float  # in the market's trading time
    stuck_s: float
    backlog: int  # bars of one symbol
    answer_ms: int  # of database and broker


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFacts:
    """One symbol that is not being deleted, at one moment."""

    id: int
    ticker: str
    enabled: bool
    healthy: bool  # its state is processing
    breaker_open: bool  # until the half-open moment
    slow_p95_ms: int = 0  # the p95 of fresh bars, if it is over the limit, else 0
    backlog: int = 0  # the head included
    stale_for_s: float = 0  # trading time beyond what its timeframe allows
    consumers: str = ""  # whose work it is: a subject of no_worker
    due_since: datetime | None = None  # since when its head could run and is not done; None: none could
    outages: int = 0  # runs in a row of its head that an outage of our own ended


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """What one living worker told."""

    name: str
    role: str
    shard: str  # "0/1"
    unconsumed_s: float = 0  # how long a message has waited beside its free slots
    deaf: bool = False  # that is too long
    clock_ahead_s: float | None = None  # its clock minus the database's; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """What the broker said. Without an answer there is only the error."""

    answer_ms: float = 0
    error: str = ""  # why it did not answer
    workers: tuple[WorkerFacts, ...] = ()
    swept_ago_s: float | None = None  # since the sweeper's last run; None: longer than that is remembered

    @property
    def there(self) -> bool:
        """Whether it answered, so that the rest of this says something."""
        return not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the rules judge, as it was at one moment."""

    now: datetime
    limits: Limits
    symbols: tuple[SymbolFacts, ...] = ()  # by ticker
    broker: BrokerFacts = field(default_factory=BrokerFacts)
    database_ms: float = 0  # what one small write took
    beat_ago_s: float | None = None  # since beat asked last; None: never
    sweep_patience_s: float = 15  # since the sweeper's last run, after which nobody sweeps; /readyz goes by it too
    sweep_memory_s: float = 60  # how long that run is remembered
    watch_s: float = 5  # what the period of the evaluation is set to
    in_quarantine: Mapping[str, int] = field(default_factory=dict)  # bars by ticker


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule holds: of a symbol, of another subject, or, without either, of the whole."""

    message: str  # one sentence, with the figures
    symbol_id: int | None = None
    ticker: str = ""
    subject: str = ""
    within: str = ""  # the subject of a stronger rule that would explain it

    @property
    def key(self) -> tuple[int | None, str]:
        """What tells it from the rule's other findings."""
        return self.symbol_id, self.subject


Find = Callable[[Facts], Iterable[Finding] | None]
"""What holds of these facts; None: these facts don't tell, so that what was known stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that can be wrong. Its page is docs/runbook/NAME.md."""

    name: str
    severity: Severity
    title: str  # what is wrong, in a few words, for subjects and summaries
    find: Find
    for_s: float  # holds for so long before it fires
    clear_s: float  # is clear for so long before it is over
    renew_s: float  # told again at this interval while it fires
    muted_by: tuple[str, ...] = ()  # stronger rules: while one fires, nothing is told of this one
    many: str = ""  # what is wrong with more than one of them, after their number
    at_once: bool = False  # counts in the overall status as soon as it holds, fired or not

    def __post_init__(self) -> None:
        if min(self.for_s, self.clear_s) < 0 or self.renew_s <= 0:
            raise ValueError(f"{self.name}: times must not be negative, and renew_s must be positive")

    @property
    def runbook(self) -> str:
        """Its page, from the top of the repository."""
        return f"docs/runbook/{self.name}.md"


def named(tickers: Iterable[str], count: int) -> str:
    """Some names, and how many more there are."""
    shown = list(tickers)[:NAMED]
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
