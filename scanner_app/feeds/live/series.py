"""What to do next for one series: hold, ask for history, hand on. No I/O, no clock: events and the time in, acts out.

waiting --its stream has come up--> joining --nothing is missing any more--> live
live --a bar is missing or overdue, its stream comes up again--> joining
any --the scanner did not take its bars--> paused --what is stored was read again--> joining
any --the venue has no such series--> refused --some time later--> joining

The `frontier` is the last bar that was handed on. A bar that follows it directly is handed on at once. One that does
not is held while history is asked for what is between. The hold is bounded: after HOLD_S, or with HOLD_BARS, what is
held is handed on, and what is missing comes late, by the ledger of holes. A hole is recorded before any bar behind it
is handed on, so that a crash forgets none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from scanner_app.domain.enums import GapCause
from scanner_app.domain.feed_entries import Series
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import Hours
from scanner_app.feeds.live.acts import Act, Ask, Hole, Instant, Mute, Phase, Reread, Take, takes
from scanner_app.feeds.live.openings import beside, opening
from scanner_app.feeds.live.venue import Traits, VenueBar

HOLD_S: Final = 5.0
"""How long bars wait for the history before them."""

HOLD_BARS: Final = 100
"""Bars that wait for the history before them."""

ASK_AGAIN_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Pauses before history is asked again for what it did not have yet."""

PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Pauses after the scanner did not take bars."""

REFUSED_S: Final = 900.0
"""After this time a series that the venue refused is tried again: it may have been listed meanwhile."""

POLLS_UNTIL_HOLE: Final = 5
"""How often a venue without a stream is asked for a bar that is due before it counts as missing: some 8 s."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True, kw_only=True)
class Follower:
    """Where one series stands, and what is to be done about it."""

    series: Series
    hours: Hours
    traits: Traits
    warm_up: int  # bars of history for a series that has none
    polls: bool = False  # its venue has no stream: bars that are due are asked for
    frontier: datetime | None = None  # None: nothing is stored
    phase: Phase = Phase.WAITING
    connected: bool = False
    refusal: str = ""  # why it is refused
    _cause: GapCause = GapCause.START
    _since: datetime = LONG_AGO  # bars that ended before this do not come by the stream
    _sure: datetime | None = None  # bars up to here that never came do not exist
    _recorded: datetime | None = None  # bars that are missing up to here are in the ledger
    _held: dict[datetime, tuple[VenueBar, bool]] = field(default_factory=dict)  # and whether history brought it
    _held_since: float = 0.0
    _asked: Ask | None = None  # unanswered
    _asks: int = 0  # in a row that left something missing
    _ask_at: float = 0.0
    _pauses: int = 0  # in a row
    _until: float = 0.0  # paused or refused

    # --- Events

    def join(self, at: Instant, cause: GapCause) -> list[Act]:
        """Its stream has come up, or comes up again."""
        self.connected, self._since = True, at.utc
        return [] if self._is_out else self._join(at, cause)

    def disconnected(self) -> None:
        """Its stream has gone. What becomes overdue is asked for by history all the same."""
        self.connected = False

    def closed(self, bar: VenueBar, at: Instant) -> list[Act]:
        """A closed bar has come by the stream."""
        if self._is_out:
            return []  # history will bring it
        if self.frontier is not None and bar.timestamp <= self.frontier:
            return [Take((bar,), by_history=False)]  # again, or out of order: ingest knows what to do with it
        if self.phase is Phase.WAITING:
            return [*self.join(at, GapCause.START), *self.closed(bar, at)]
        if self.phase is Phase.LIVE and not self._follows(bar.timestamp):
            hole = self._record(bar.timestamp, GapCause.SKIPPED)
            if not self.traits.always_sends:
                # Perhaps nothing was traded: no reason to hold what has come.
                self.frontier = bar.timestamp
                return [*hole, Take((bar,), by_history=False)]
            self._begin(at, GapCause.SKIPPED)
            self._hold(bar, by_history=False, at=at)
            return [*hole, *self._ask(bar.timestamp)]
        self._hold(bar, by_history=False, at=at)
        return self._hand_on(at)

    def answered(self, bars: Sequence[VenueBar], until: datetime | None, at: Instant) -> list[Act]:
        """A page of history has come, oldest first.

        `until`: what is missing up to there the venue does not have. None: it may come with a later page.
        """
        asked = self._asked
        done = asked is not None and until is not None and until >= asked.last
        if done:
            self._asked = None
        if self._is_out:
            return []
        is_news = any(self.frontier is None or bar.timestamp > self.frontier for bar in bars)
        mute = is_news and self.is_overdue and self.connected and not self.polls
        known = [bar for bar in bars if self.frontier is not None and bar.timestamp <= self.frontier]
        acts: list[Act] = [Take(tuple(known), by_history=True)] if known else []
        for bar in bars[len(known) :]:
            self._hold(bar, by_history=True, at=at)
        if until is not None:
            self._sure = max(filter(None, (self._sure, self._old_enough(until, at))))
        acts += self._hand_on(at)
        if done and self.phase is Phase.JOINING:
            self._ask_at = at.s + ASK_AGAIN_S[min(self._asks, len(ASK_AGAIN_S) - 1)]
            self._asks += 1
        return [*acts, Mute()] if mute else acts

    def refused(self, text: str, at: Instant) -> None:
        """The venue has no such series, or the scanner takes none of its bars."""
        self.phase, self.refusal, self._until = Phase.REFUSED, text, at.s + REFUSED_S
        self._forget()

    def not_taken(self, at: Instant) -> None:
        """The scanner did not take bars of this series: what comes is dropped for a while, and refilled later."""
        if self._is_out:
            return
        self.phase, self._until = Phase.PAUSED, at.s + PAUSES_S[min(self._pauses, len(PAUSES_S) - 1)]
        self._pauses += 1
        self._forget()

    def taken(self) -> None:
        """The scanner has taken bars of this series."""
        self._pauses = 0

    def resume(self, newest: datetime | None, at: Instant) -> list[Act]:
        """What is stored was read again: its newest bar, or None."""
        cause = GapCause.START if self.phase is Phase.REFUSED else GapCause.REFUSED
        self.frontier, self.refusal, self._sure = newest, "", None
        self._since = at.utc  # what the stream has sent before was dropped
        return self._join(at, cause)

    def tick(self, at: Instant) -> list[Act]:
        """Time has passed."""
        match self.phase:
            case Phase.PAUSED | Phase.REFUSED if at.s >= self._until:
                self._until = at.s + PAUSES_S[-1]  # should the reading fail, again then
                return [Reread()]
            case Phase.JOINING:
                return self._tick_joining(at)
            case Phase.LIVE if (self.traits.always_sends or self.polls) and self.missing(at):
                return self.suspect(at)
        return []

    def suspect(self, at: Instant) -> list[Act]:
        """Bars are overdue: ask whether history has any that did not come."""
        if self.phase is not Phase.LIVE or not self.missing(at):
            return []
        self._begin(at, GapCause.SILENCE if self.connected else GapCause.RECONNECT)
        return [*self._record_overdue(at), *self._ask(self._edge(at))]

    # --- What is known

    def missing(self, at: Instant) -> int:
        """Bars after the frontier that should have come by now; 0 without a frontier."""
        if self._position is None:
            return 0
        return self.hours.missing_between(self.series.timeframe, self._position, self._edge(at))

    @property
    def is_overdue(self) -> bool:
        """Whether it waits for bars that its stream should have sent."""
        return self.phase is Phase.JOINING and self._cause is GapCause.SILENCE

    @property
    def _is_out(self) -> bool:
        return self.phase in {Phase.PAUSED, Phase.REFUSED}

    @property
    def _position(self) -> datetime | None:
        """The frontier, or the bar behind it up to which the venue has no others."""
        return max(filter(None, (self.frontier, self._sure)), default=None)

    # --- Joining

    def _join(self, at: Instant, cause: GapCause) -> list[Act]:
        self._begin(at, cause)
        edge = self._edge(at)
        if self._position is not None and not self.missing(at):
            return self._hand_on(at)
        return [*self._record(edge, cause), *self._ask(edge)]

    def _begin(self, at: Instant, cause: GapCause) -> None:
        self.phase, self._cause, self._asks, self._ask_at = Phase.JOINING, cause, 0, at.s

    def _tick_joining(self, at: Instant) -> list[Act]:
        if self._held and (at.s - self._held_since >= HOLD_S or len(self._held) >= HOLD_BARS):
            return self._release(at)
        self._go_live(at)
        if self.phase is Phase.JOINING and self._asked is None and at.s >= self._ask_at:
            edge = self._edge(at)
            return [*self._record_overdue(at), *self._ask(max(edge, min(self._held, default=edge)))]
        return []

    def _go_live(self, at: Instant) -> None:
        if self.phase is Phase.JOINING and not self._held and self._position is not None and not self.missing(at):
            self.phase = Phase.LIVE

    def _ask(self, before: datetime) -> list[Act]:
        """Ask for what is missing up to the bar that opens at `before`."""
        if self._asked is not None:
            return []
        last = before - SECOND
        if self._position is None:
            first = before - self.warm_up * TIMEFRAMES[self.series.timeframe]
        elif self.traits.history_is_truth and self.frontier is not None:
            first = self.frontier  # its values may have been corrected since
        else:
            first = self._position + SECOND
        if first > last:
            return []
        self._asked = Ask(first, last)
        return [self._asked]

    def _forget(self) -> None:
        self._held.clear()
        self._asked = None

    # --- Holding and handing on

    def _hold(self, bar: VenueBar, *, by_history: bool, at: Instant) -> None:
        if not self._held:
            self._held_since = at.s
        if by_history and not self.traits.history_is_truth and bar.timestamp in self._held:
            return
        self._held[bar.timestamp] = bar, by_history

    def _hand_on(self, at: Instant) -> list[Act]:
        """Hand on what is held and follows the frontier directly."""
        ready = []
        for timestamp in sorted(self._held):
            by_history = self._held[timestamp][1]
            warming_up = self._position is None and self._asked is not None and not by_history
            # History of a series that has nothing begins where it begins: before it nothing is missing.
            begins = self.frontier is None and by_history
            if warming_up or not (begins or self._follows(timestamp)):
                break
            ready.append(self._held.pop(timestamp))
            self.frontier = timestamp
        if self._held:
            self.phase = Phase.JOINING if self.phase is Phase.LIVE else self.phase
            self._held_since = at.s if ready else self._held_since
        self._go_live(at)
        return takes(ready)

    def _release(self, at: Instant) -> list[Act]:
        """The hold is over: record what is missing, and hand on everything."""
        acts: list[Act] = []
        ready = []
        for timestamp in sorted(self._held):
            acts += self._record(timestamp, self._cause)
            ready.append(self._held.pop(timestamp))
            self.frontier = timestamp
        self._go_live(at)
        return [*acts, *takes(ready)]

    # --- Holes

    def _record_overdue(self, at: Instant) -> list[Act]:
        """Record what is overdue; what a venue without a stream was not asked for often enough is not."""
        if self.polls and self._asks < POLLS_UNTIL_HOLE and self._cause is not GapCause.START:
            return []
        return self._record(self._edge(at), self._cause)

    def _record(self, before: datetime, cause: GapCause) -> list[Act]:
        """The hole up to the bar that opens at `before`, as far as it is not in the ledger yet."""
        if self._position is None:
            return []
        start = max(filter(None, (self._position, self._recorded)))
        missing = self.hours.missing_between(self.series.timeframe, start, before)
        if not missing:
            return []
        first, last = beside(self.series.timeframe, start, 1), beside(self.series.timeframe, before, -1)
        self._recorded = last
        return [Hole(first, last, missing, cause)]

    # --- Times

    def _follows(self, timestamp: datetime) -> bool:
        """Whether no bar is missing between the frontier and this one."""
        position = self._position
        return position is None or not self.hours.missing_between(self.series.timeframe, position, timestamp)

    def _edge(self, at: Instant) -> datetime:
        """The opening of the first bar that is not expected yet: it forms, or the stream still has time to send it."""
        return opening(self.series.timeframe, max(self._since, at.utc - timedelta(seconds=self.traits.closed_within_s)))

    def _old_enough(self, until: datetime, at: Instant) -> datetime:
        """The last opening up to `until` of a bar that history would have by now."""
        length = TIMEFRAMES[self.series.timeframe]
        return opening(
            self.series.timeframe, min(until, at.utc - timedelta(seconds=self.traits.history_within_s) - length)
        )
