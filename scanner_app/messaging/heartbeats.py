"""The workers' heartbeats in Redis: which workers live, and which messages they hold."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from scanner_app.domain.worker_health import DEAF_AFTER_S, LOST_AFTER_HEARTBEATS
from scanner_app.messaging.redis_client import client

KEY = "scanner:tell:"
"""The key of a worker's heartbeat, before its name. Old and new workers share it during an upgrade, as they share the
names of the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a living worker wrote last."""

    at: float = 0.0  # unix s, by the worker's clock
    role: str = ""
    shard: str = "0/1"
    held: tuple[str, ...] = ()  # identities of the deliveries that it runs or keeps for later
    unconsumed_s: float = 0.0  # how long a message has waited while it had free slots
    clock_ahead_s: float | None = None  # its clock minus the broker's; None: not known

    @property
    def is_deaf(self) -> bool:
        """Whether it lives, but no longer takes messages."""
        return self.unconsumed_s >= DEAF_AFTER_S


def write(worker: str, role: str, held: Iterable[str], *, unconsumed_s: float) -> None:
    """Write a worker's heartbeat. It expires after LOST_AFTER_HEARTBEATS intervals without another.

    It includes how far the worker's clock is ahead of the broker's: the one clock that all processes can read.
    """
    fields = {
        "at": time.time(),
        "lane": role,
        "shard": f"{settings.SCANNER_SHARD}/{settings.SCANNER_SHARDS}",
        "lying_s": round(unconsumed_s, 1),
        "clock_s": round(clock_ahead_s(), 3),
        "held": sorted(held),
    }
    client().set(KEY + worker, json.dumps(fields), px=int(LOST_AFTER_HEARTBEATS * settings.SCANNER_HEARTBEAT_S * 1000))


def read_all() -> dict[str, Heartbeat]:
    """The heartbeats of the living workers, by worker's name."""
    keys = list(client().scan_iter(match=KEY + "*", count=1000))
    values = client().mget(keys) if keys else []
    return {
        key.decode().removeprefix(KEY): _parsed(json.loads(value))
        for key, value in zip(keys, values, strict=True)
        if value is not None  # else it expired after its key was read
    }


def clock_ahead_s() -> float:
    """How far this process's clock is ahead of the broker's (s). Wrong by half of the answer's duration at most."""
    asked = time.time()
    seconds, microseconds = client().time()
    return (asked + time.time()) / 2 - (seconds + microseconds / 1_000_000)


def _parsed(fields: dict[str, Any]) -> Heartbeat:
    return Heartbeat(
        at=float(fields.get("at", 0.0)),
        role=str(fields.get("lane", "")),
        shard=str(fields.get("shard", "0/1")),
        held=tuple(fields.get("held", ())),
        unconsumed_s=float(fields.get("lying_s", 0.0)),
        clock_ahead_s=fields.get("clock_s"),
    )
