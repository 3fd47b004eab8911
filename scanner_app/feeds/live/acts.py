"""What a follower of a series decides (series.py), as values: its phase, and the acts that are to be done.

A moment is given to it by both clocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from scanner_app.domain.enums import GapCause
from scanner_app.feeds.live.venue import VenueBar


class Instant(NamedTuple):
    """One moment by both clocks: for times of bars, and for spans."""

    utc: datetime
    s: float  # monotonic


class Phase(StrEnum):
    """How far a series has come. The arrows between them: series.py."""

    WAITING = "waiting"
    JOINING = "joining"
    LIVE = "live"
    PAUSED = "paused"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for history, openings from `first` to `last`; the answer comes to `Follower.answered`."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Take:
    """Hand these bars to ingest, in this order. `by_history`: their values came from there."""

    bars: tuple[VenueBar, ...]
    by_history: bool


@dataclass(frozen=True, slots=True)
class Hole:
    """Record that these bars are missing."""

    first: datetime
    last: datetime
    missing: int
    cause: GapCause


@dataclass(frozen=True, slots=True)
class Mute:
    """History had bars that the stream did not send: its connection is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Reread:
    """Read what is stored of the series, and give it to `Follower.resume`."""


Act = Ask | Take | Hole | Mute | Reread


def takes(ready: Sequence[tuple[VenueBar, bool]]) -> list[Act]:
    """Acts that hand on bars in their order, those of one origin together."""
    acts: list[Act] = []
    begin = 0
    for end in range(1, len(ready) + 1):
        if end == len(ready) or ready[end][1] != ready[begin][1]:
            acts.append(Take(tuple(bar for bar, _ in ready[begin:end]), by_history=ready[begin][1]))
            begin = end
    return acts
