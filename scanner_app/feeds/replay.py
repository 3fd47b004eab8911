"""Feed recorded bars through ingest: merge, pace, wait where a symbol's backlog is full, account.

Everything that touches the world is handed in (ingest, clock, sleep), so all of it is tested
without waiting. A `Source` gives lines; a pace says when the n-th of them is due; `Replay` takes
the lines that are due to ingest and keeps the account in a `Tally`.

A bar rejected as `backlog_full` is not lost and not counted: it and all later bars of its symbol
are held here, in order, and tried again; other symbols go on. What is held is bounded: a source
whose next line belongs to a symbol with very many held lines is not read on until they are through.

A database that is away is waited for. Whether it has stored the bars of an unanswered call is not known,
so they are sent again: those that it has count as duplicates, and the account says how many these may be.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from scanner_app.domain.alert_rules.interface import some_names
from scanner_app.domain.bars import VALUES
from scanner_app.feeds.pace import at_once
from scanner_app.feeds.patience import Notice, Outside, Patience
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.tally import Line, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from scanner_app.engine.ingest import Report
    from scanner_app.feeds.bundled import Series
    from scanner_app.feeds.pace import Pace
    from scanner_app.feeds.reader.feed import Feed

BATCH: Final = 500
"""Bars in one call of ingest, which takes so many in one transaction: a symbol's order holds in it."""

RETRY_AFTER_S: Final = 1.0
"""From a rejection as `backlog_full` to the next try. Workers do a few hundred bars in that time."""

LONGEST_RETRY_S: Final = 10.0
"""The pause doubles up to this while nothing of a symbol is taken: it may be disabled, or stand at an open breaker."""

CALM_S: Final = 10.0
"""Without a full backlog for so long, the wait is over. Filled by a fast file, backlogs are full every other second."""

LONGEST_SLEEP_S: Final = 60.0
"""Weeks can lie between two bars of a slow replay, and not every clock sleeps that long."""

HELD_PER_SYMBOL: Final = 1_000
"""Lines of one symbol held back before its sources stand still. A line is about a kilobyte."""

HELD_IN_ALL: Final = 50_000
"""Lines held back in all before every source stands still."""


class Accept(Protocol):
    """Ingest: takes 1 to 5,000 raw bars."""

    def __call__(self, bars: Sequence[Mapping[str, object]], /, *, now: datetime) -> Report:
        """Accept or reject each bar; indexes in the report are places in `bars`."""


# --- Lines and where they come from


@dataclass(slots=True, kw_only=True, eq=False)
class Source:
    """Lines of one origin, in their order, and the share of them read so far (0 to 1).

    `symbols` are the tickers of the lines, in upper case; empty: not known, it may be any.
    """

    name: str
    lines: Iterator[Line]
    share: Callable[[], float]
    symbols: frozenset[str] = frozenset()


def share_of(sources: Sequence[Source]) -> float:
    """The share of all sources that has been read, 0 to 1; each counts the same, whatever its size."""
    return sum(source.share() for source in sources) / len(sources)


def from_feed(feed: Feed, symbols: Iterable[str] = ()) -> Source:
    """Return the lines of a file; `symbols` are those it has, if that is known."""
    lines = (Line(feed.name, number, bar) for number, bar in feed.items)
    tickers = frozenset(symbol.strip().upper() for symbol in symbols)
    return Source(name=feed.name, lines=lines, share=feed.share, symbols=tickers)


def from_series(series: Series) -> Source:
    """Return the bars of a bundled series as lines; their numbers count from 1."""
    name = f"bundled:{series.symbol}"
    done = [0]

    def lines() -> Iterator[Line]:
        columns = (series.timestamps.tolist(), *(getattr(series, each).tolist() for each in VALUES))
        fixed = {"symbol": series.symbol, "timeframe": series.timeframe}
        for number, (moment, *values) in enumerate(zip(*columns, strict=True), start=1):
            done[0] = number
            bar = fixed | {"timestamp": moment.replace(tzinfo=UTC)} | dict(zip(VALUES, values, strict=True))
            yield Line(name, number, bar)

    return Source(
        name=name, lines=lines(), share=lambda: done[0] / len(series), symbols=frozenset({series.symbol.upper()})
    )


# --- Merging


class _Lane:
    """A source with its next line in hand, from the first `advance` on."""

    line: Line

    def __init__(self, source: Source, place: int, *, round_robin: bool, tally: Tally) -> None:
        self.source = source
        self._place = place
        self._round_robin = round_robin
        self._tally = tally
        self._taken = -1
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._latest_of: dict[tuple[str, object], datetime] = {}

    def advance(self) -> bool:
        """Take the next line in hand; False at the source's end, where there is none."""
        line = next(self.source.lines, None)
        if line is None:
            return False
        self.line = line
        self._taken += 1
        if line.moment is not None:
            # A file may hold one symbol after another: what counts is the order of each series.
            series = line.symbol, line.bar.get("timeframe")
            latest = self._latest_of.setdefault(series, line.moment)
            if line.moment < latest:
                self._tally.disorder[self.source.name] += 1
            else:
                self._latest_of[series] = line.moment
            self._latest = max(self._latest, line.moment)
        return True

    def may_have(self, symbol: str) -> bool:
        """Whether a line of this symbol may still come."""
        return not self.source.symbols or symbol in self.source.symbols

    @property
    def key(self) -> tuple[datetime | int, int]:
        """The lane with the least key gives the next line. The place breaks ties."""
        return (self._taken if self._round_robin else self._latest, self._place)


class Replay:
    """One run of some sources through ingest.

    `round_robin` takes one line of each source in turn; else the earliest timestamp comes first
    (a source that is not in order itself stays in its own order). `on_progress` is called after
    each call of ingest with the share of the sources that has been read.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        accept: Accept,
        *,
        pace: Pace = at_once,
        round_robin: bool = False,
        tally: Tally | None = None,
        patience: Patience | None = None,
        on_progress: Callable[[float], None] = lambda _share: None,
    ) -> None:
        self.tally = Tally() if tally is None else tally
        self._sources = list(sources)
        self._round_robin = round_robin
        self._accept = accept
        self._pace = pace
        self._patience = Patience(Outside()) if patience is None else patience
        self._outside = self._patience.outside
        self._on_progress = on_progress
        self._lanes: list[tuple[tuple[datetime | int, int], _Lane]] = []
        self._stalled: list[_Lane] = []
        self._damaged: list[FeedError] = []
        self._taken = 0  # lines taken from all sources: what a rate counts
        self._started = 0.0
        # By symbol, in order. A symbol is here from its first full backlog until all are through.
        self._held: dict[str, deque[Line]] = {}
        self._retry_at: dict[str, float] = {}
        self._pause: dict[str, float] = {}
        self._full = Notice(self._outside)
        self._unanswered: list[Line] = []  # given to ingest, which has not said yet what became of them

    def run(self) -> Tally:
        """Feed all lines; return the account, which is also `tally` while this runs.

        A file that turns out to be damaged ends there, the others go on; FeedError is raised in
        the end.
        """
        began = self._outside.clock()
        self._started = began - self._patience.waited_s
        try:
            for place, source in enumerate(self._sources):
                lane = _Lane(source, place, round_robin=self._round_robin, tally=self.tally)
                self._advance(lane)
            while self._step():
                pass
            self._full.over("all bars that were held back are through")
        finally:
            self.tally.seconds = self._outside.clock() - began
            self.tally.unanswered = len(self._unanswered)
            offered = sum(line.symbol in self._held for line in self._unanswered)
            self.tally.waiting = sum(map(len, self._held.values())) - offered
        if self._damaged:
            raise FeedError("; ".join(map(str, self._damaged)))
        return self.tally

    def _step(self) -> bool:
        """Send what is due, or sleep until something is. False if nothing is left."""
        elapsed = self._elapsed()
        batch = self._again(elapsed)
        again = {line.symbol for line in batch}
        pause = self._fresh(batch, elapsed)
        if batch:
            self._send(batch, again)
        elif pause is None:
            return False
        else:
            self._outside.sleep(min(pause, LONGEST_SLEEP_S))
        return True

    def _elapsed(self) -> float:
        """The seconds since the start. A rate makes up for slow calls, but does not make a rush of an outage."""
        return self._outside.clock() - self._started - self._patience.waited_s

    def _advance(self, lane: _Lane) -> None:
        try:
            if lane.advance():
                self._enter(lane)
        except FeedError as exc:
            self._damaged.append(exc)

    def _enter(self, lane: _Lane) -> None:
        heapq.heappush(self._lanes, (lane.key, lane))

    def _again(self, elapsed: float) -> list[Line]:
        """The held lines whose symbol may be tried again, oldest first. They stay held until they are through."""
        batch: list[Line] = []
        # The symbols that have waited longest first, so that none is passed over for ever.
        for symbol in sorted(self._retry_at, key=self._retry_at.__getitem__):
            room = BATCH - len(batch)
            if not room or self._retry_at[symbol] > elapsed:
                break
            batch += islice(self._held[symbol], room)
        return batch

    def _fresh(self, batch: list[Line], elapsed: float) -> float | None:
        """Add the lines that are due to the batch; return the seconds until there is more to do.

        None means that all sources are at their end and nothing is held.
        """
        while self._stalled:
            self._enter(self._stalled.pop())
        waits = [at - elapsed for at in self._retry_at.values()]
        room = self._room()
        while len(batch) < BATCH and (lane := self._next(room)) is not None:
            due = self._pace(lane.line, self._taken)
            if due > elapsed:
                waits.append(due - elapsed)
                break
            self._taken += 1
            heapq.heappop(self._lanes)
            if lane.line.symbol in self._held:
                self._held[lane.line.symbol].append(lane.line)
                room -= 1
            else:
                batch.append(lane.line)
            self._advance(lane)
        return min(waits, default=None)

    def _room(self) -> int:
        return HELD_IN_ALL - sum(map(len, self._held.values()))

    def _next(self, room: int) -> _Lane | None:
        """Return the lane whose line is next, setting those aside that would hold back too much.

        A lane behind one that is set aside goes on only with symbols which that one does not have.
        """
        while self._lanes:
            _, lane = self._lanes[0]
            held = self._held.get(lane.line.symbol)
            has_room = held is None or (len(held) < HELD_PER_SYMBOL and room > 0)
            if has_room and not any(ahead.may_have(lane.line.symbol) for ahead in self._stalled):
                return lane
            heapq.heappop(self._lanes)
            self._stalled.append(lane)
        return None

    def _send(self, batch: list[Line], again: set[str]) -> None:
        """Give a batch to ingest until it answers; hold what found its backlog full, release what is through."""
        sent = 0

        def attempt() -> list[Line]:
            nonlocal sent
            sent += 1
            self._unanswered = batch
            report = self._accept([line.bar for line in batch], now=self._outside.now())
            self._unanswered = []
            full = self.tally.take(batch, report, sent_again=sent > 1)
            self._hold(batch, full, again)
            return full

        full = self._patience.call(attempt)
        self._say_what_is_full({line.symbol for line in full})
        self._on_progress(share_of(self._sources))

    def _hold(self, batch: list[Line], full: list[Line], again: set[str]) -> None:
        """Hold what found its backlog full, and say when to try it again; drop what is through."""
        elapsed = self._elapsed()
        sent = Counter(line.symbol for line in batch)
        left = Counter(line.symbol for line in full)
        for symbol in again:
            for _ in range(sent[symbol]):
                self._held[symbol].popleft()
        # Backwards to the front: they are older than all that is held of their symbol.
        for line in reversed(full):
            self._held.setdefault(line.symbol, deque()).appendleft(line)
        for symbol, lines in left.items():
            doubled = 2 * self._pause.get(symbol, RETRY_AFTER_S / 2)
            self._pause[symbol] = RETRY_AFTER_S if lines < sent[symbol] else min(doubled, LONGEST_RETRY_S)
            self._retry_at[symbol] = elapsed + self._pause[symbol]
        for symbol in again - left.keys():
            if self._held[symbol]:
                self._retry_at[symbol] = elapsed  # there was room: the next ones at once
            else:
                del self._held[symbol], self._retry_at[symbol], self._pause[symbol]

    def _say_what_is_full(self, symbols: set[str]) -> None:
        if symbols:
            names = some_names(sorted(symbols), len(symbols))
            self._full.waits(
                f"room in the backlog of {names}: the bars are held back in their order and offered again, "
                "other symbols go on"
            )
        elif not self._held:
            self._full.over("all bars that were held back are through", calm_s=CALM_S)
