"""The open holes of the ledger: history is asked for them again, beside what the series does otherwise."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from scanner_app.domain.feed_entries import Series
from scanner_app.feeds.live import ledger
from scanner_app.feeds.live.acts import Act, Instant, Phase
from scanner_app.feeds.live.history import Urgency
from scanner_app.feeds.live.intake import Intake
from scanner_app.feeds.live.ledger import OpenGap
from scanner_app.feeds.live.series import Follower
from scanner_app.feeds.live.venue import Traits, VenueBar


class Asking(Protocol):
    """Asks history for the bars of a series from `first` to `last`."""

    def __call__(
        self,
        series: Series,
        first: datetime,
        last: datetime,
        urgency: Urgency,
        *,
        answered: Callable[[Sequence[VenueBar], datetime | None], None],
        refused: Callable[[str], None],
    ) -> None:
        """`answered` gets each page, and up to when it has all; `refused` why there is none."""


class OldHoles:
    """Which holes of a venue's series are asked for now, and what becomes of the answers."""

    def __init__(
        self,
        followers: Mapping[Series, Follower],
        *,
        traits: Traits,
        intake: Intake,
        clock: Callable[[], Instant],
        ask: Asking,
        do: Callable[[Series, Sequence[Act]], None],
    ) -> None:
        """`do` does what a follower decides."""
        self._followers = followers
        self._traits = traits
        self._intake = intake
        self._clock = clock
        self._ask = ask
        self._do = do
        self._asked: dict[int, Series] = {}  # by the hole's row

    def fill(self, gaps: Iterable[OpenGap]) -> None:
        """Ask for these holes, unless that was done already or their series is joining anyway."""
        for gap in gaps:
            follower = self._followers.get(gap.series)
            if follower is None or gap.pk in self._asked:
                continue
            if follower.phase not in {Phase.LIVE, Phase.JOINING}:
                continue
            self._asked[gap.pk] = gap.series
            self._ask(
                gap.series,
                gap.first,
                gap.last,
                Urgency.HOLE,
                answered=partial(self._answered, gap),
                refused=partial(self._refused, gap),
            )

    def drop(self, series: Series) -> None:
        """What waits of the series was dropped: its holes are asked for again."""
        for pk in [pk for pk, other in self._asked.items() if other == series]:
            self._asked.pop(pk, None)

    def forget(self) -> None:
        """All that waits was dropped."""
        self._asked.clear()

    def _answered(self, gap: OpenGap, bars: Sequence[VenueBar], until: datetime | None) -> None:
        follower = self._followers.get(gap.series)
        if follower is None:
            self._asked.pop(gap.pk, None)
            return
        self._do(gap.series, follower.answered(bars, None, self._clock()))
        if until is None or until < gap.last:
            return  # more pages follow
        now = self._clock().utc
        within = timedelta(seconds=self._traits.history_within_s)

        def after(taken: bool) -> None:
            if taken:
                ledger.answered(gap.pk, always_sends=self._traits.always_sends, history_within=within, now=now)
            else:
                ledger.not_answered(gap.pk, "the scanner did not take the bars", now=now)
            self._asked.pop(gap.pk, None)

        self._intake.put(gap.series, (), after=after)

    def _refused(self, gap: OpenGap, text: str) -> None:
        now = self._clock().utc

        def after(_taken: bool) -> None:
            ledger.not_answered(gap.pk, text, now=now)
            self._asked.pop(gap.pk, None)

        self._intake.put(gap.series, (), after=after)
