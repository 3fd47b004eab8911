"""How the live feeds are doing: what is configured, with what their processes and the ledger say of them.

Without a feed it costs one query, and no question to the broker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Sum
from redis.exceptions import RedisError

from scanner_app.domain import feed_sentences
from scanner_app.domain.alert_rules import FeedFacts
from scanner_app.domain.enums import FeedState, GapState
from scanner_app.domain.feed_entries import parse_entry
from scanner_app.messaging import live_feeds
from scanner_app.messaging.live_feeds import Heartbeat
from scanner_app.models import Feed, Gap

BROKER_AWAY = "the broker does not answer, so nothing is known of it"
"""Why a feed is shown as down while nobody can read its heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """One feed at one moment. The names are the API's."""

    id: int
    name: str
    venue: str
    entry: str
    enabled: bool
    from_environment: bool
    state: FeedState  # of one that is not enabled: down
    connected_at: datetime | None
    last_message_at: datetime | None
    lag_s: float | None
    series: int  # that it is to bring
    live: int  # of these, how many are at their newest bar
    gaps_open: int
    last_error: str
    refused: tuple[str, ...]  # series that venue or scanner do not take

    def trouble(self, now: datetime) -> str:
        """What is wrong with it, as a sentence; "" if nothing is, or if it is switched off."""
        if not self.enabled:
            return ""
        return feed_sentences.trouble(self.name, self.state, error=self.last_error, quiet_s=self.quiet_s(now))

    def quiet_s(self, now: datetime) -> float | None:
        """Seconds since anything came from the venue; None: not known."""
        return None if self.last_message_at is None else max(0.0, (now - self.last_message_at).total_seconds())


def of_all(now: datetime, *, heartbeats: Mapping[str, Heartbeat] | None = None) -> list[FeedStatus]:
    """All feeds, by name. `heartbeats`: what `live_feeds.read` gave, if the caller has it already."""
    rows = list(Feed.objects.order_by("name"))
    if not rows:
        return []
    unknown = feed_sentences.NO_PROCESS
    if heartbeats is None:
        try:
            heartbeats = live_feeds.read(row.name for row in rows)
        except RedisError:
            heartbeats, unknown = {}, BROKER_AWAY
    holes = _open_gaps()
    return [_status(row, heartbeats.get(row.name), _count(holes, row), now, unknown) for row in rows]


def warnings(now: datetime) -> list[str]:
    """What is wrong with live feeds, a sentence each. It is no reason to turn a request away."""
    return [sentence for one in of_all(now) if (sentence := one.trouble(now))]


def facts(rows: Sequence[Feed], heartbeats: Mapping[str, Heartbeat], now: datetime) -> tuple[FeedFacts, ...]:
    """What the alert rules look at, of these feeds. One query."""
    if not rows:
        return ()
    holes = _open_gaps()
    found = []
    for row in rows:
        open_ones = holes.get(row.pk)
        one = _status(row, heartbeats.get(row.name), _count(holes, row), now, feed_sentences.NO_PROCESS)
        found.append(
            FeedFacts(
                name=one.name,
                state=one.state,
                last_error=one.last_error,
                quiet_s=one.quiet_s(now),
                gaps_open=one.gaps_open,
                bars_missing=open_ones["bars"] if open_ones else 0,
                oldest_gap_s=(now - open_ones["oldest"]).total_seconds() if open_ones else 0.0,
            )
        )
    return tuple(found)


def enabled() -> list[Feed]:
    """The feeds that are to run, by name. One query."""
    return list(Feed.objects.filter(enabled=True).order_by("name"))


def _open_gaps() -> dict[int, dict[str, Any]]:
    """By the feed's id, of each with open holes: how many, how many bars, and when the oldest was found. One query."""
    rows = Gap.objects.filter(state=GapState.OPEN, feed__isnull=False).order_by().values("feed")
    counted = rows.annotate(count=Count("pk"), bars=Sum("missing") - Sum("refilled"), oldest=Min("found_at"))
    return {row["feed"]: dict(row) for row in counted}


def _count(holes: Mapping[int, dict[str, Any]], row: Feed) -> int:
    return int(holes[row.pk]["count"]) if row.pk in holes else 0


def _status(row: Feed, heartbeat: Heartbeat | None, gaps_open: int, now: datetime, unknown: str) -> FeedStatus:
    seen = None if heartbeat is None else heartbeat.as_of(now)
    error = unknown if seen is None else seen.last_error
    if heartbeat is not None and seen is not None and heartbeat.is_old(now):
        error = feed_sentences.NO_PROCESS + (f"; before that: {heartbeat.last_error}" if heartbeat.last_error else "")
    return FeedStatus(
        id=row.pk,
        name=row.name,
        venue=row.venue,
        entry=row.entry,
        enabled=row.enabled,
        from_environment=row.from_environment,
        state=FeedState.DOWN if seen is None or not row.enabled else seen.state,
        connected_at=seen.connected_at if seen and row.enabled else None,
        last_message_at=seen.last_message_at if seen else None,
        lag_s=seen.lag_s if seen else None,
        series=seen.series if seen and seen.series else _series(row),
        live=seen.live if seen and row.enabled else 0,
        gaps_open=gaps_open,
        last_error=error if row.enabled else "",
        refused=seen.refused if seen else (),
    )


def _series(row: Feed) -> int:
    try:
        return len(parse_entry(row.venue, row.entry).series)
    except ValueError:
        return 0
