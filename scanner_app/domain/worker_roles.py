"""The roles of workers. A worker's role is the name of the queue that it is started with (`-Q main`)."""

from collections.abc import Iterable
from enum import StrEnum

from scanner_app.domain.enums import Lane


class Role(StrEnum):
    """A worker's role, and the queue of the same name."""

    MAIN = Lane.MAIN.value  # runs the bars of the main lane
    SLOW = Lane.SLOW.value  # runs those of the slow lane
    UPKEEP = "upkeep"  # sweeper, alert rules, clean-up
    NOTIFY = "notify"  # sends notifications
    HITS = "hits"  # tells traders of hits: apart from NOTIFY, which no slow channel of theirs may hold
    RERUN = "rerun"  # has the detectors look again at bars that were revised


LANE_ROLES = frozenset({Role.MAIN, Role.SLOW})
"""Roles whose workers run bars."""

NEEDED_ROLES = (Role.MAIN, Role.SLOW, Role.UPKEEP)
"""Roles that bars need to get processed: each must have a living worker."""


def role_of(queues: Iterable[str]) -> Role:
    """The role of a worker that consumes `queues`; MAIN if none of them is a role's queue."""
    known = set(queues)
    return next((role for role in Role if role in known), Role.MAIN)
