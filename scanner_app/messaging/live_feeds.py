"""What live feeds say of themselves in Redis: a heartbeat each, and who runs which venue (the lease).

A heartbeat stays after its process has ended, so that what happened last can still be told. Whether it is of a living
process its time says: `Heartbeat.is_old`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scanner_app.domain.enums import FeedState
from scanner_app.messaging.redis_client import client, values_under

KEY = "scanner:feed:"
"""The key of a feed's heartbeat, before its name."""

LEASE_KEY = "scanner:feed-lease:"
"""The key of a venue's lease, before its name."""

PROCESS_KEY = "scanner:feed-process:"
"""The key by which a process of feeds says that it lives, before its host's name: for health checks."""

PROCESS_MS = 30_000
"""It expires so long after it was written last."""

EVERY_S = 2.0
"""Seconds between two heartbeats of a feed."""

OLD_AFTER = timedelta(seconds=10)
"""A feed whose heartbeat is older is down: its process has ended, or hangs."""

KEEP_S = 7 * 86_400
"""How long a heartbeat that is no longer written can be read."""

LEASE_MS = 10_000
"""A lease ends so long after it was taken or renewed last."""

_RENEW = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end"
)
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """How a feed is doing, as its process wrote it last. Times are aware; None: not yet, or not known."""

    at: datetime
    venue: str
    state: FeedState
    connected_at: datetime | None = None  # the oldest of its connections that live
    last_message_at: datetime | None = None  # anything from the venue, a ping included
    lag_s: float | None = None  # of its newest bars, the longest from the bar's end to its acceptance
    series: int = 0  # that it is to bring
    live: int = 0  # of these, how many are at their newest bar
    gaps_open: int = 0
    connections: int = 0
    bars: int = 0  # accepted since its process started; so are the next ones
    revised: int = 0
    conflicts: int = 0
    rejected: int = 0
    reconnects: int = 0
    requests: int = 0  # to the venue's history
    last_error: str = ""
    last_error_at: datetime | None = None
    refused: tuple[str, ...] = ()  # series that venue or scanner do not take, with the reason

    def is_old(self, now: datetime) -> bool:
        """Whether no living process can have written it."""
        return now - self.at > OLD_AFTER

    def as_of(self, now: datetime) -> "Heartbeat":
        """The same as it is to be shown: a feed whose heartbeat is old is down."""
        if not self.is_old(now) or self.state is FeedState.DOWN:
            return self
        return replace(self, state=FeedState.DOWN, connected_at=None, connections=0, live=0)


def write(heartbeats: Mapping[str, Heartbeat]) -> None:
    """Write the heartbeats of some feeds, by feed's name. Raises RedisError."""
    with client().pipeline(transaction=False) as pipeline:
        for name, heartbeat in heartbeats.items():
            pipeline.set(KEY + name, json.dumps(asdict(heartbeat), default=datetime.isoformat), ex=KEEP_S)
        pipeline.execute()


def read_all() -> dict[str, Heartbeat]:
    """The last heartbeat of each feed, by feed's name, old ones too: see `Heartbeat.as_of`. Raises RedisError."""
    return {name: _parsed(json.loads(text)) for name, text in values_under(KEY).items()}


def read(names: Iterable[str]) -> dict[str, Heartbeat]:
    """The same of the feeds of these names. Raises RedisError."""
    wanted = list(names)
    values = client().mget([KEY + name for name in wanted]) if wanted else []
    return {
        name: _parsed(json.loads(text)) for name, text in zip(wanted, values, strict=True) if isinstance(text, bytes)
    }


def write_process(host: str) -> None:
    """Say that this host's process of feeds lives, whether or not it has any. Raises RedisError."""
    client().set(PROCESS_KEY + host, "1", px=PROCESS_MS)


def take_lease(venue: str, holder: str) -> bool:
    """Take or renew a venue's lease; False: another process has it. Raises RedisError."""
    key = LEASE_KEY + venue
    if client().set(key, holder, nx=True, px=LEASE_MS):
        return True
    return bool(client().eval(_RENEW, 1, key, holder, LEASE_MS))


def release_lease(venue: str, holder: str) -> None:
    """Give a venue's lease back, if it is this holder's. Raises RedisError."""
    client().eval(_RELEASE, 1, LEASE_KEY + venue, holder)


def _parsed(fields: dict[str, Any]) -> Heartbeat:
    known = {name: fields[name] for name in Heartbeat.__slots__ if name in fields}  # an older process writes fewer
    for name in ("at", "connected_at", "last_message_at", "last_error_at"):
        if known.get(name) is not None:
            known[name] = datetime.fromisoformat(known[name]).astimezone(UTC)
    return Heartbeat(**known | {"state": FeedState(known["state"]), "refused": tuple(known.get("refused", ()))})
