"""How feeds are doing, as it is written into their heartbeats: values in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scanner_app.domain.enums import FeedState
from scanner_app.domain.feed_entries import Series
from scanner_app.feeds.live.acts import Phase
from scanner_app.feeds.live.taken import Counts
from scanner_app.messaging.live_feeds import Heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesState:
    """What is told of one series."""

    phase: Phase
    connected: bool
    overdue: bool
    refusal: str
    lag_s: float | None  # None: no bar has come live
    holes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueState:
    """What is told of the venue as a whole, and so by each of its feeds."""

    connected_at: datetime | None
    last_message_at: datetime | None
    connections: int
    reconnects: int
    requests: int
    counts: Counts
    error: str
    error_at: datetime | None


def heartbeat(venue: str, of: Mapping[Series, SeriesState], state: VenueState, now: datetime) -> Heartbeat:
    """The heartbeat of a feed with these series."""
    rows = list(of.values())
    return Heartbeat(
        at=now,
        venue=venue,
        state=_state(rows),
        connected_at=state.connected_at,
        last_message_at=state.last_message_at,
        lag_s=max((round(row.lag_s, 3) for row in rows if row.lag_s is not None), default=None),
        series=len(rows),
        live=sum(row.phase is Phase.LIVE for row in rows),
        gaps_open=sum(row.holes for row in rows),
        connections=state.connections,
        bars=state.counts.accepted,
        revised=state.counts.revised,
        conflicts=state.counts.conflicts,
        rejected=state.counts.rejected,
        reconnects=state.reconnects,
        requests=state.requests,
        last_error=state.error,
        last_error_at=state.error_at,
        refused=tuple(f"{series}: {row.refusal}" for series, row in of.items() if row.refusal)[:20],
    )


def _state(rows: Sequence[SeriesState]) -> FeedState:
    wanted = [row for row in rows if row.phase is not Phase.REFUSED]
    if not any(row.connected for row in wanted):
        return FeedState.DOWN
    if any(row.overdue for row in wanted):
        return FeedState.SILENT
    if all(row.phase is Phase.LIVE and row.connected for row in wanted):
        return FeedState.LIVE
    return FeedState.CATCHING_UP
