"""Which stored bars history is to be asked about once more, because their values may be wrong. No I/O, no clock.

A bar that came again with other values is looked at some seconds later. And each series' newest bars are looked at
now and then, for corrections that the venue made without a word: the audit.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from scanner_app.domain.feed_entries import Series
from scanner_app.feeds.live.acts import Instant
from scanner_app.feeds.live.venue import VenueBar, VenueSeries

RECHECK_S: Final = 5.0
"""Seconds after which history is asked about a bar that came again with other values: it is right by then."""

MOST_RECHECKS: Final = 1_000
"""Bars that wait to be checked; the audit finds the others."""

AUDIT_S: Final = 1_800.0
"""Seconds between two looks at a series' newest history, for values that the venue has corrected without a word."""

AUDITED: Final = timedelta(hours=1)
"""What an audit looks at, back from now."""


class Corrections:
    """What is to be looked at again, and when."""

    def __init__(self) -> None:
        self._rechecks: deque[tuple[float, Series, datetime]] = deque()
        self._audits: dict[Series, float] = {}

    def add(self, series: Mapping[Series, VenueSeries], at: Instant) -> None:
        """Look at these now and then, from some time on: spread, so that not all are due in one moment."""
        for number, one in enumerate(series):
            self._audits[one] = at.s + AUDIT_S * (1 + number / len(series)) / 2

    def remove(self, series: Series) -> None:
        """Look at this one no more."""
        self._audits.pop(series, None)

    def came_otherwise(self, series: Series, bars: Sequence[VenueBar], at: Instant) -> None:
        """These came again with other values than are stored."""
        for bar in bars[: max(0, MOST_RECHECKS - len(self._rechecks))]:
            self._rechecks.append((at.s + RECHECK_S, series, bar.timestamp))

    def due(self, at: Instant) -> Iterator[tuple[Series, datetime, datetime]]:
        """What is due now: series, first and last opening. Each is given once."""
        while self._rechecks and self._rechecks[0][0] <= at.s:
            _, series, timestamp = self._rechecks.popleft()
            yield series, timestamp, timestamp
        for series, due in self._audits.items():
            if due <= at.s:
                self._audits[series] = at.s + AUDIT_S
                yield series, at.utc - AUDITED, at.utc
