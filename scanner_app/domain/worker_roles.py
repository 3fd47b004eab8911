"""What a worker is for."""

from collections.abc import Iterable

from scanner_app.models import Lane

LANES = {lane.value for lane in Lane}
"""Roles whose workers consume symbols' queues."""

ROLES = (*LANES, "upkeep", "notify")
"""Every role; each is the name of a base queue."""


def role(queues: Iterable[str]) -> str:
    """The role of a worker that consumes `queues`: main, slow, or whatever base queue it was started with."""
    return next((name for name in ROLES if name in set(queues)), "main")
