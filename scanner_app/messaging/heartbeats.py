"""The workers' heartbeats in Redis: which workers live, and which messages they hold."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from scanner_app.domain.worker_health import DEAF_AFTER_S, LOST_AFTER_HEARTBEATS
from scanner_app.messaging.redis_client import client, values_under

KEY = "scanner:tell:"
"""The key of a worker's heartbeat, before its name. Old and new workers share it during an upgrade, as they share the
names of the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a living worker wrote last."""

    at: float = 0.0  # unix s, by the worker's clock
    role: str = ""
    held: tuple[str, ...] = ()  # identities of the deliveries that it runs or keeps for later
    unanswered_s: float = 0.0  # how long its wait for messages has had no answer while it had free slots
    clock_ahead_s: float | None = None  # its clock minus the broker's; None: not known

    @property
    def is_deaf(self) -> bool:
        """Whether it lives, but no longer takes messages."""
        return self.unanswered_s >= DEAF_AFTER_S


def write(worker: str, role: str, held: Iterable[str], *, unanswered_s: float) -> None:
    """Write a worker's heartbeat. It expires after LOST_AFTER_HEARTBEATS intervals without another.

    It includes how far the worker's clock is ahead of the broker's: the one clock that all processes can read.
    """
    fields = {
        "at": time.time(),
        "lane": role,
        "lying_s": round(unanswered_s, 1),
        "clock_s": round(clock_ahead_s(), 3),
        "held": sorted(held),
    }
    client().set(KEY + worker, json.dumps(fields), px=int(LOST_AFTER_HEARTBEATS * settings.SCANNER_HEARTBEAT_S * 1000))


def read_all() -> dict[str, Heartbeat]:
    """The heartbeats of the living workers, by worker's name."""
    return {worker: _parsed(json.loads(text)) for worker, text in values_under(KEY).items()}


def clock_ahead_s() -> float:
    """How far this process's clock is ahead of the broker's (s). Wrong by half of the answer's duration at most."""
    asked = time.time()
    seconds, microseconds = client().time()
    return (asked + time.time()) / 2 - (seconds + microseconds / 1_000_000)


def _parsed(fields: dict[str, Any]) -> Heartbeat:
    return Heartbeat(
        at=float(fields.get("at", 0.0)),
        role=str(fields.get("lane", "")),
        held=tuple(fields.get("held", ())),
        unanswered_s=float(fields.get("lying_s", 0.0)),
        clock_ahead_s=fields.get("clock_s"),
    )
