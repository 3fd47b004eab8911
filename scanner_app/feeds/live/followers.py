"""All series of a venue: what comes goes to their followers, and what these decide is done.

Everything here runs on the event loop and does no I/O itself: bars and the ledger's work go to the intake, questions to
the historian.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from scanner_app.domain import closing
from scanner_app.domain.enums import GapCause
from scanner_app.domain.feed_entries import Series
from scanner_app.feeds.live import ledger
from scanner_app.feeds.live.acts import Act, Ask, Hole, Instant, Mute, Phase, Reread, Take
from scanner_app.feeds.live.corrections import Corrections
from scanner_app.feeds.live.history import Historian, Question, Urgency
from scanner_app.feeds.live.intake import Intake
from scanner_app.feeds.live.ledger import OpenGap
from scanner_app.feeds.live.old_holes import OldHoles
from scanner_app.feeds.live.series import Follower
from scanner_app.feeds.live.stored import Standing
from scanner_app.feeds.live.taken import Taken
from scanner_app.feeds.live.venue import AnyVenue, Closed, Forming, Revision, VenueBar, VenueSeries

log = structlog.get_logger(__name__)


QUIET_S: Final = 180.0
"""Where nothing is sent without a trade, no bar of any series for so long, while the market is open, is suspicious."""


class Followers:
    """The series of one venue."""

    def __init__(
        self,
        venue: AnyVenue,
        *,
        intake: Intake,
        clock: Callable[[], Instant],
        mute: Callable[[VenueSeries], None],
        reread: Callable[[Series], None],
        feed_of: Callable[[Series], str],
        warm_up: int,
    ) -> None:
        """`mute` hears of a series whose connection is not to be trusted, `reread` of one whose standing is wanted."""
        self._venue = venue
        self._intake = intake
        self._clock = clock
        self._mute = mute
        self._reread = reread
        self._feed_of = feed_of
        self._warm_up = warm_up
        self.historian: Historian | None = None  # who runs this sets it: each needs the other
        self._followers: dict[Series, Follower] = {}
        self._names: dict[Series, VenueSeries] = {}
        self._by_name: dict[VenueSeries, Series] = {}
        self._with_holes: set[Series] = set()
        self._old = OldHoles(
            self._followers, traits=venue.traits, intake=intake, clock=clock, ask=self._ask, do=self._do
        )
        self._corrections = Corrections()
        self._heard_s = clock().s  # when a bar has come last
        self.lags: dict[Series, float] = {}  # of the newest live bar, from its end to its acceptance, s
        self.polls = not hasattr(venue, "read")

    # --- Which series there are

    def add(self, names: Mapping[Series, VenueSeries], standings: Mapping[Series, Standing]) -> None:
        """Follow these series from now on."""
        at = self._clock()
        for series, name in names.items():
            standing = standings[series]
            self._names[series], self._by_name[name] = name, series
            self._followers[series] = Follower(
                series=series,
                hours=standing.hours,
                traits=self._venue.traits,
                warm_up=self._warm_up,
                polls=self.polls,
                frontier=standing.newest,
            )
        self._corrections.add(names, at)

    def remove(self, gone: Iterable[Series]) -> None:
        """Follow these no more."""
        for series in gone:
            self._followers.pop(series, None)
            self._by_name.pop(self._names.pop(series), None)
            self._drop(series)
            self.lags.pop(series, None)
            self._corrections.remove(series)

    @property
    def series(self) -> Mapping[Series, VenueSeries]:
        """The series and their names at the venue."""
        return self._names

    def __iter__(self) -> Iterator[tuple[Series, Follower]]:
        """Each series with its follower."""
        return iter(self._followers.items())

    # --- What happens

    def heard(self, message: Closed | Forming | Revision) -> None:
        """A bar has come by the stream."""
        series = self._by_name.get(message.bar.series)
        if series is None:
            return  # of a subscription that was just ended
        follower, bar = self._followers[series], message.bar
        self._heard_s = self._clock().s
        match message:
            case Closed():
                self._do(series, follower.closed(bar, self._clock()))
            case Revision() if follower.phase not in {Phase.PAUSED, Phase.REFUSED}:
                self._intake.put(series, (bar,), revising=True)
            case Forming() if follower.frontier is None or bar.timestamp > follower.frontier:
                if follower.phase is Phase.LIVE or follower.phase is Phase.JOINING:
                    self._intake.put_forming(series, bar)

    def joined(self, names: Iterable[VenueSeries]) -> None:
        """Their stream has come up."""
        for name in names:
            if (series := self._by_name.get(name)) is not None:
                follower = self._followers[series]
                cause = GapCause.START if follower.phase is Phase.WAITING else GapCause.RECONNECT
                self._do(series, follower.join(self._clock(), cause))

    def lost(self, names: Iterable[VenueSeries], _reason: str = "") -> None:
        """Their stream has gone."""
        for name in names:
            if (series := self._by_name.get(name)) is not None:
                self._followers[series].disconnected()

    def told(self, series: Series, taken: Taken) -> None:
        """What the scanner did with some bars of a series."""
        follower = self._followers.get(series)
        if follower is None:
            return
        at = self._clock()
        if taken.refusal:
            self._drop(series)
            follower.refused(taken.refusal, at)
        elif taken.full:
            self._drop(series)
            follower.not_taken(at)
        else:
            follower.taken()
        if not taken.revising:
            self._corrections.came_otherwise(series, taken.conflicts, at)
            newest = taken.bars[-1]
            end = closing.period_end(series.timeframe, newest.timestamp, follower.hours)
            if newest.timestamp == follower.frontier:
                self.lags[series] = max(0.0, (at.utc - end).total_seconds())

    def dropped(self, _reason: str) -> None:
        """The intake has dropped all that waited."""
        at = self._clock()
        self._old.forget()
        for follower in self._followers.values():
            follower.not_taken(at)

    def _drop(self, series: Series) -> None:
        """Forget what waits of a series; its holes are asked for again."""
        self._intake.drop(series)
        self._old.drop(series)

    def resume(self, standings: Mapping[Series, Standing]) -> None:
        """What is stored of some series was read again."""
        for series, standing in standings.items():
            if (follower := self._followers.get(series)) is not None:
                follower.hours = standing.hours
                self._do(series, follower.resume(standing.newest, self._clock()))

    def tick(self) -> None:
        """Time has passed."""
        at = self._clock()
        for series, follower in list(self._followers.items()):
            self._do(series, follower.tick(at))
        if not (self._venue.traits.always_sends or self.polls) and at.s - self._heard_s > QUIET_S:
            self._heard_s = at.s
            for series, follower in list(self._followers.items()):
                self._do(series, follower.suspect(at))
        if self._venue.traits.history_is_truth:
            for series, first, last in self._corrections.due(at):
                known = self._followers.get(series)
                if known is not None and known.phase is Phase.LIVE and known.frontier is not None:
                    self._look_again(series, min(first, known.frontier), min(last, known.frontier))

    # --- Old holes

    def fill(self, gaps: Iterable[OpenGap]) -> None:
        """Ask for these holes."""
        self._old.fill(gaps)

    def holes_are_in(self, series: Iterable[Series]) -> None:
        """The series that have open holes."""
        self._with_holes = set(series)

    def _look_again(self, series: Series, first: datetime, last: datetime) -> None:
        """Have the stored bars of a span take history's values."""

        def answered(bars: Sequence[VenueBar], _until: datetime | None) -> None:
            if bars and series in self._followers:
                self._intake.put(series, bars, revising=True)

        self._ask(series, first, last, Urgency.HOLE, answered=answered, refused=lambda _text: None)

    # --- Doing what was decided

    def _do(self, series: Series, acts: Sequence[Act]) -> None:
        for act in acts:
            match act:
                case Take(bars, by_history):
                    self._take(series, bars, by_history=by_history)
                case Ask(first, last):
                    self._ask(
                        series,
                        first,
                        last,
                        Urgency.JOIN,
                        answered=partial(self._answered, series),
                        refused=partial(self._refused, series),
                    )
                case Hole():
                    now = self._clock().utc
                    find = partial(ledger.find, series, act, feed=self._feed_of(series), now=now)
                    self._with_holes.add(series)
                    self._intake.put(series, (), before=find)
                case Mute():
                    self._mute(self._names[series])
                case Reread():
                    self._reread(series)

    def _take(self, series: Series, bars: Sequence[VenueBar], *, by_history: bool) -> None:
        after = None
        if series in self._with_holes:
            settle = partial(ledger.settle, series, now=self._clock().utc)

            def after(_taken: bool) -> None:
                settle()

        self._intake.put(series, bars, revising=by_history and self._venue.traits.history_is_truth, after=after)

    def _answered(self, series: Series, bars: Sequence[VenueBar], until: datetime | None) -> None:
        if (follower := self._followers.get(series)) is not None:
            self._do(series, follower.answered(bars, until, self._clock()))

    def _refused(self, series: Series, text: str) -> None:
        if (follower := self._followers.get(series)) is not None:
            log.warning("feed_series_refused", venue=self._venue.name, series=str(series), reason=text)
            follower.refused(text, self._clock())

    def _ask(
        self,
        series: Series,
        first: datetime,
        last: datetime,
        urgency: Urgency,
        *,
        answered: Callable[[Sequence[VenueBar], datetime | None], None],
        refused: Callable[[str], None],
    ) -> None:
        assert self.historian is not None  # noqa: S101 - set before anything happens

        def closed_ones(bars: Sequence[VenueBar], until: datetime | None) -> None:
            follower = self._followers.get(series)
            by = self._clock().utc
            answered([bar for bar in bars if follower is None or _is_closed(follower, bar, by)], until)

        self.historian.ask(
            Question(
                series=self._names[series],
                first=first,
                last=last,
                urgency=urgency,
                answered=closed_ones,
                refused=refused,
                wanted=lambda: series in self._followers,
            )
        )


def _is_closed(follower: Follower, bar: VenueBar, by: datetime) -> bool:
    """Whether the bar is over: a venue's history may end with the one that forms."""
    return closing.is_closed(follower.series.timeframe, bar.timestamp, None, hours=lambda: follower.hours, by=by)
