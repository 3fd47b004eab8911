"""Number and store bars: the one transaction over several symbols.

It locks the status rows in ticker order, so two calls with the same symbols can't deadlock; and it gives out
the numbers while it holds them, so the order of numbers is the order of commits and none is skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker, staleness
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.bars import VALUES, values_of
from scanner_app.domain.enums import BarStatus, EventKind, Resolution
from scanner_app.domain.tickers import CANARY
from scanner_app.mailbox import derived_series, revise, sql_accept
from scanner_app.mailbox.derived_series import Key
from scanner_app.mailbox.heads import message_of
from scanner_app.mailbox.quarantine import resolve_entries
from scanner_app.messaging.messages import Message
from scanner_app.messaging.publisher import publish
from scanner_app.models import Bar, CircuitBreaker, Symbol, SymbolEvent, SymbolStatus
from scanner_app.telemetry import counters, request_id

CHUNK = 500
"""Bars of one transaction: it holds its rows for milliseconds, whatever the caller sent at once."""

CREATING = 0x5CA77E12
"""Key of the advisory lock under which symbols are created: any number that nothing else here uses."""

RESET_BY_CORRECTION = (
    "replayed",
    "held",
    "revised",
    "assumed",
    "derived",
    "attempts",
    "accepted_at",
    "finished_at",
    "latency_ms",
    "request_id",
)
"""Columns of a bar that a correction resets."""


class Verdict(StrEnum):
    """What became of a valid bar."""

    ACCEPTED = "accepted"
    REVISED = "revised"  # the stored bar has the new values now
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    FORMING = "forming"  # its period is not over: kept by engine/forming.py, without a number
    BACKLOG_FULL = "backlog_full"
    UNKNOWN_SYMBOL = "unknown_symbol"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBar:
    """A validated bar: ticker in upper case, aware UTC time, finite numbers."""

    symbol: str
    timeframe: str
    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None  # None: unknown
    assumed: bool = False  # was forming, and nobody confirmed that it is closed
    derived: bool = False  # made from bars of a smaller timeframe
    closed: bool | None = None  # what its sender says; None: nothing, its period decides (domain/closing.py)

    @property
    def key(self) -> Key:
        """What makes it the same bar as another."""
        return (self.symbol, self.timeframe, self.timestamp)

    def same_values(self, other: "NewBar | Bar") -> bool:
        """Whether prices and volume are equal."""
        return values_of(self) == values_of(other)


class CreatedSymbols(NamedTuple):
    """The requested tickers whose symbols are there now; for the others there were too many."""

    created: set[str]  # created by this call
    known: set[str]  # existed before this call


def create_symbols(tickers: Sequence[str], *, at_most: int, now: datetime, by: str = SCANNER) -> CreatedSymbols:
    """Add symbols for the tickers, in their order, as long as there are fewer than `at_most`."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # Two calls at one moment would both see the last free place. (SQLite has one writer anyway.)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CREATING])
        known = set(Symbol.objects.filter(ticker__in=tickers).values_list("ticker", flat=True))
        room = max(0, at_most - Symbol.objects.exclude(ticker=CANARY).count())
        fresh = [ticker for ticker in tickers if ticker not in known][:room]
        symbols = Symbol.objects.bulk_create(Symbol(ticker=ticker) for ticker in fresh)
        SymbolStatus.objects.bulk_create(SymbolStatus(symbol=symbol) for symbol in symbols)
        CircuitBreaker.objects.bulk_create(CircuitBreaker(symbol=symbol) for symbol in symbols)
        SymbolEvent.objects.bulk_create(
            SymbolEvent(symbol=symbol, kind=EventKind.CREATED, at=now, actor=by) for symbol in symbols
        )
    return CreatedSymbols(created=set(fresh), known=known)


def accept(
    bars: Sequence[NewBar],
    *,
    now: datetime,
    revising: bool = False,
    source: str = "",
    taken: set[Key] | None = None,
) -> list[Verdict]:
    """Accept at most CHUNK bars in the order given; returns a verdict for each.

    New values for a bar that waits or was processed are a conflict, unless `revising`, or unless the stored ones were
    only assumed or derived: then they are a revision. `source` says in the revision's record who sent it. `taken`: the
    keys that the caller's earlier bars gave new values to, which no others may replace; this call adds its own. What is
    accepted is committed before this returns; then the first heads are published, and a broker that is down leaves that
    to the sweeper. A fixed number of queries, whatever the number. Raises ValueError for more than CHUNK bars.
    """
    if len(bars) > CHUNK:
        raise ValueError(f"at most {CHUNK} bars in one transaction, not {len(bars)}")
    chunk = Chunk(now=now, request_id=request_id.current(), revising=revising, source=source)
    chunk.series.aliases = derived_series.day_aliases([bar.key for bar in bars], now)
    if taken is not None:
        chunk.taken = taken
    with transaction.atomic():
        chunk.lock({bar.symbol for bar in bars})
        chunk.look_up(bars)
        verdicts = [chunk.take(bar) for bar in bars]
        chunk.store()
    counters.bars_accepted(verdicts.count(Verdict.ACCEPTED))
    publish((message, row.lane, row.next_attempt_at) for row, message in chunk.first_heads())
    return verdicts


def stored_bars(bars: Sequence[NewBar], *, now: datetime) -> dict[Key, Bar]:
    """The stored bars that at most CHUNK bars meet, by the keys of the latter."""
    tickers = dict(Symbol.objects.filter(ticker__in={bar.symbol for bar in bars}).values_list("ticker", "pk"))
    wanted = [bar.key for bar in bars if bar.symbol in tickers]
    aliases = derived_series.day_aliases(wanted, now)
    keys = [(tickers[ticker], timeframe, time) for ticker, timeframe, time in [*wanted, *aliases.values()]]
    names = {pk: ticker for ticker, pk in tickers.items()}
    stored = {(names[bar.symbol_id], bar.timeframe, bar.timestamp): bar for bar in sql_accept.known_bars(keys)}
    return {key: bar for key in wanted if (bar := stored.get(key) or stored.get(aliases.get(key, key)))}


@dataclass(slots=True)
class Chunk:
    """The bars that one transaction accepts, and their rows: locked, looked up, taken, then written in bulk."""

    now: datetime
    request_id: str | None  # of the request that brings the bars
    revising: bool = False  # new values for known bars are revisions
    source: str = ""
    closes_breaker: bool = False  # the transaction is a head's success, after which nothing waits for a breaker
    series: derived_series.DerivedOfChunk = field(init=False)
    rows: dict[str, SymbolStatus] = field(default_factory=dict)  # by ticker
    known: dict[Key, Bar] = field(default_factory=dict)
    taken: set[Key] = field(default_factory=set)  # keys that have new values from this call
    created: list[Bar] = field(default_factory=list)
    corrected: list[Bar] = field(default_factory=list)
    revisions: revise.Revisions = field(default_factory=revise.Revisions)
    heads: dict[str, Bar] = field(default_factory=dict)  # by ticker: bars that became the head, or are it anew

    def __post_init__(self) -> None:
        self.series = derived_series.DerivedOfChunk(now=self.now)

    def lock(self, tickers: set[str]) -> None:
        """Lock the status rows of these symbols, and read them."""
        self.rows = {row.symbol.ticker: row for row in sql_accept.lock_rows(tickers)}

    def look_up(self, bars: Sequence[NewBar]) -> None:
        """Read what is stored under the keys of these bars."""
        wanted = [*(bar.key for bar in bars), *self.series.aliases.values()]
        keys = [(row.symbol_id, name, time) for ticker, name, time in wanted if (row := self.rows.get(ticker))]
        if settings.SCANNER_DERIVE:
            self.series.load({row.symbol_id for row in self.rows.values()}, {bar.timeframe for bar in bars})
        tickers = {row.symbol_id: ticker for ticker, row in self.rows.items()}
        for known in sql_accept.known_bars(keys):
            self.known[(tickers[known.symbol_id], known.timeframe, known.timestamp)] = known

    def take(self, bar: NewBar) -> Verdict:
        """Decide what becomes of a bar, and number or revise it."""
        row = self.rows.get(bar.symbol)
        if row is None:
            return Verdict.UNKNOWN_SYMBOL
        if row.symbol.deleted_at is not None and bar.symbol != CANARY:
            return Verdict.DELETED
        bar = self.series.as_stored(row.symbol_id, bar, self.known)
        known = self.known.get(bar.key)
        if bar.derived and not self.series.admits(row.symbol_id, bar.timeframe, known):
            return Verdict.CONFLICT
        if known is not None and (bar.assumed or bar.same_values(known)):  # what was assumed is worth less
            if (known.assumed or (known.derived and not bar.derived)) and not bar.assumed:
                self.revisions.confirm(known, derived=bar.derived)
                self.series.take_over(row.symbol_id, bar)
            return Verdict.DUPLICATE
        if known is not None and known.status not in {BarStatus.QUARANTINED, BarStatus.DISCARDED}:
            return self._revise(bar, row, known)
        if row.backlog >= settings.SCANNER_MAX_BACKLOG and not bar.derived:
            return Verdict.BACKLOG_FULL
        self._number(bar, row, known)
        return Verdict.ACCEPTED

    def _revise(self, bar: NewBar, row: SymbolStatus, known: Bar) -> Verdict:
        """New values for a bar that waits or was processed."""
        wanted = self.revising or (known.assumed and not bar.assumed) or (known.derived and not bar.derived)
        if not wanted or bar.key in self.taken:  # within one call the first of two equal keys wins
            return Verdict.CONFLICT
        self.taken.add(bar.key)
        self.series.take_over(row.symbol_id, bar)
        if self.revisions.add(known, bar, row, now=self.now):
            self.heads[bar.symbol] = known
        return Verdict.REVISED

    def _number(self, bar: NewBar, row: SymbolStatus, known: Bar | None) -> None:
        self.series.take_over(row.symbol_id, bar)
        newest = row.newest.get(bar.timeframe)
        late = newest is not None and bar.timestamp < datetime.fromisoformat(newest)
        if not late:
            row.newest[bar.timeframe] = bar.timestamp.isoformat()
            # Whether a feed is late is seen in what it sends, not in what is made from that.
            is_watched = bar.derived or bar.timeframe in row.watched
            if not is_watched and staleness.is_fresh(bar.timeframe, bar.timestamp, self.now):
                row.watched.append(bar.timeframe)
        row.last_sequence += 1
        if known is None:
            stored = Bar(symbol_id=row.symbol_id, timeframe=bar.timeframe, timestamp=bar.timestamp)
            self.created.append(stored)
            self.known[bar.key] = stored
        else:
            stored = known
            stored.revised = stored.revised or self.revising
            self.corrected.append(stored)
        self.taken.add(bar.key)
        for name in VALUES:
            setattr(stored, name, getattr(bar, name))
        stored.sequence, stored.status, stored.late = row.last_sequence, BarStatus.WAITING, late
        stored.replayed, stored.held, stored.attempts = False, False, 0
        stored.assumed, stored.derived = bar.assumed, bar.derived
        stored.accepted_at, stored.finished_at, stored.latency_ms = self.now, None, None
        stored.request_id = self.request_id
        if row.head is None:
            self._name_head(bar.symbol, row, stored)

    def _name_head(self, ticker: str, row: SymbolStatus, bar: Bar) -> None:
        row.head = bar.sequence
        self.heads[ticker] = bar
        due = None if self.closes_breaker else breaker.due(row.symbol.breaker.value, breaker_rules(), self.now)
        if due is not None:
            row.next_attempt_at = due
        if row.next_attempt_at is not None or not row.symbol.enabled:
            row.catching_up = True  # it waits for the breaker or the operator, not for the engine

    def store(self) -> None:
        """Write what was taken."""
        sql_accept.insert_bars(self.created)
        if self.corrected:
            Bar.objects.bulk_update(
                self.corrected,
                [*VALUES, "sequence", "status", "late", *RESET_BY_CORRECTION],
            )
            resolve_entries([bar.pk for bar in self.corrected], Resolution.REPLACED, self.now)
            SymbolEvent.objects.bulk_create(
                SymbolEvent(symbol_id=bar.symbol_id, bar=bar, kind=EventKind.REPLACED, at=self.now, actor=SCANNER)
                for bar in self.corrected
            )
        self.revisions.store(now=self.now, source=self.source)
        self.series.store()
        moved = {bar.symbol_id for bar in (*self.created, *self.corrected)} | self.revisions.symbols
        sql_accept.store_numbers([row for row in self.rows.values() if row.symbol_id in moved])

    def first_heads(self) -> list[tuple[SymbolStatus, Message]]:
        """The rows whose head is to be published after the commit, with its message."""
        return [
            (row, message_of(row, bar.timeframe, bar.timestamp))
            for ticker, bar in self.heads.items()
            if (row := self.rows[ticker]).symbol.enabled
        ]
