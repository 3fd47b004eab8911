"""Feed recorded bars through ingest: merge, pace, wait where a symbol's backlog is full, account.

Everything that touches the world is handed in (ingest, clock, sleep), so all of it is tested
without waiting. A `Source` gives lines; a pace says when the n-th of them is due; `Replay` takes
the lines that are due to ingest and keeps the account in a `Tally`.

A bar rejected as `backlog_full` is not lost and not counted: it and all later bars of its symbol
are held here, in order, and tried again; other symbols go on. What is held is bounded: a source
whose next line belongs to a symbol with very many held lines is not read on until they are through.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from django.utils import timezone

from scanner_app.feeds.reader import FeedError
from scanner_app.feeds.tally import Line, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from scanner_app.engine.ingest import Report
    from scanner_app.feeds.bundled import Series
    from scanner_app.feeds.reader import Feed

    Pace = Callable[[Line, int], float]

BATCH: Final = 500
"""Bars in one call of ingest, which takes so many in one transaction: a symbol's order holds in it."""

RETRY_AFTER_S: Final = 1.0
"""From a rejection as `backlog_full` to the next try. Workers do a few hundred bars in that time."""

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
    """Lines of one origin, in their order, and the share of them read so far (0 to 1)."""

    name: str
    lines: Iterator[Line]
    share: Callable[[], float]


def from_feed(feed: Feed) -> Source:
    """Return the lines of a file."""
    lines = (Line(feed.name, number, bar) for number, bar in feed.items)
    return Source(name=feed.name, lines=lines, share=feed.share)


def from_series(series: Series) -> Source:
    """Return the bars of a bundled series as lines; their numbers count from 1."""
    name = f"bundled:{series.symbol}"
    done = [0]

    def lines() -> Iterator[Line]:
        fields = ("open", "high", "low", "close", "volume")
        columns = (series.timestamps.tolist(), *(getattr(series, each).tolist() for each in fields))
        fixed = {"symbol": series.symbol, "timeframe": series.timeframe}
        for number, (moment, *values) in enumerate(zip(*columns, strict=True), start=1):
            done[0] = number
            bar = fixed | {"timestamp": moment.replace(tzinfo=UTC)} | dict(zip(fields, values, strict=True))
            yield Line(name, number, bar)

    return Source(name=name, lines=lines(), share=lambda: done[0] / len(series))


def going_on(
    source: Source,
    newest: Mapping[tuple[str, str], datetime],
    skipped: Callable[[], None],
    *,
    oldest: datetime | None = None,
) -> Source:
    """Return the source without the bars up to the newest that is known of their series.

    `newest` is keyed by ticker and timeframe; `skipped` is called for each bar left out. Those before `oldest`
    are left out too: retention has forgotten them, or would.
    """

    def lines() -> Iterator[Line]:
        for line in source.lines:
            known = newest.get((line.symbol, str(line.bar["timeframe"])))
            moment = line.moment
            if moment is not None and ((known and moment <= known) or (oldest and moment < oldest)):
                skipped()
            else:
                yield line

    return Source(name=source.name, lines=lines(), share=source.share)


# --- Pace: the second after the start at which the n-th line (from 0) is due


def at_once(_line: Line, _n: int) -> float:
    """Be due now: as fast as ingest and the backlogs allow."""
    return 0.0


def at_rate(per_s: float) -> Pace:
    """Spread lines evenly, `per_s` a second. Counted from the start, so that delays do not add up."""
    return lambda _line, n: n / per_s


def at_speed(times: float) -> Pace:
    """Follow the bars' own timestamps, `times` as fast as real time.

    A line that is older than one before it, or has no readable time, is due with its predecessor.
    """
    first: datetime | None = None
    latest_s = 0.0

    def due(line: Line, _n: int) -> float:
        nonlocal first, latest_s
        if line.moment is not None:
            first = line.moment if first is None else first
            latest_s = max(latest_s, (line.moment - first).total_seconds() / times)
        return latest_s

    return due


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

    def advance(self) -> bool:
        """Take the next line in hand; False at the source's end, where there is none."""
        line = next(self.source.lines, None)
        if line is None:
            return False
        self.line = line
        self._taken += 1
        if line.moment is not None:
            if line.moment < self._latest:
                self._tally.disorder[self.source.name] += 1
            self._latest = max(self._latest, line.moment)
        return True

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
        now: Callable[[], datetime] = timezone.now,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_progress: Callable[[float], None] = lambda _share: None,
    ) -> None:
        self.tally = Tally() if tally is None else tally
        self._sources = list(sources)
        self._round_robin = round_robin
        self._accept = accept
        self._pace = pace
        self._now, self._clock, self._sleep = now, clock, sleep
        self._on_progress = on_progress
        self._lanes: list[tuple[tuple[datetime | int, int], _Lane]] = []
        self._stalled: list[_Lane] = []
        self._damaged: list[FeedError] = []
        self._taken = 0  # lines taken from all sources: what a rate counts
        # By symbol, in order. A symbol is here from its first full backlog until all are through.
        self._held: dict[str, deque[Line]] = {}
        self._retry_at: dict[str, float] = {}

    def run(self) -> Tally:
        """Feed all lines; return the account, which is also `tally` while this runs.

        A file that turns out to be damaged ends there, the others go on; FeedError is raised in
        the end.
        """
        started = self._clock()
        try:
            for place, source in enumerate(self._sources):
                lane = _Lane(source, place, round_robin=self._round_robin, tally=self.tally)
                self._advance(lane)
            while True:
                elapsed = self._clock() - started
                batch = self._again(elapsed)
                again = {line.symbol for line in batch}
                pause = self._fresh(batch, elapsed)
                if batch:
                    self._send(batch, again, elapsed)
                elif pause is None:
                    break
                else:
                    self._sleep(min(pause, LONGEST_SLEEP_S))
        finally:
            self.tally.seconds = self._clock() - started
            self.tally.waiting = sum(map(len, self._held.values()))
        if self._damaged:
            raise FeedError("; ".join(map(str, self._damaged)))
        return self.tally

    def _advance(self, lane: _Lane) -> None:
        try:
            if lane.advance():
                self._enter(lane)
        except FeedError as exc:
            self._damaged.append(exc)

    def _enter(self, lane: _Lane) -> None:
        heapq.heappush(self._lanes, (lane.key, lane))

    def _again(self, elapsed: float) -> list[Line]:
        """Take held lines whose symbol may be tried again, oldest first."""
        batch: list[Line] = []
        # The symbols that have waited longest first, so that none is passed over for ever.
        for symbol in sorted(self._retry_at, key=self._retry_at.__getitem__):
            room = BATCH - len(batch)
            if not room or self._retry_at[symbol] > elapsed:
                break
            held = self._held[symbol]
            batch += [held.popleft() for _ in range(min(room, len(held)))]
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
        """Return the lane whose line is next, setting those aside that would hold back too much."""
        while self._lanes:
            _, lane = self._lanes[0]
            held = self._held.get(lane.line.symbol)
            if held is None or (len(held) < HELD_PER_SYMBOL and room > 0):
                return lane
            heapq.heappop(self._lanes)
            self._stalled.append(lane)
        return None

    def _send(self, batch: list[Line], again: set[str], elapsed: float) -> None:
        """Give a batch to ingest; hold what found its backlog full, release what is through."""
        report = self._accept([line.bar for line in batch], now=self._now())
        full = self.tally.take(batch, report)
        # Backwards to the front: they are older than all that is held of their symbol.
        for line in reversed(full):
            self._held.setdefault(line.symbol, deque()).appendleft(line)
        blocked = {line.symbol for line in full}
        for symbol in blocked:
            self._retry_at[symbol] = elapsed + RETRY_AFTER_S
        for symbol in again - blocked:
            if self._held[symbol]:
                self._retry_at[symbol] = elapsed  # there was room: the next ones at once
            else:
                del self._held[symbol], self._retry_at[symbol]
        self._on_progress(sum(source.share() for source in self._sources) / len(self._sources))
