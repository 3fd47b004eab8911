"""Lanes: a slow or hung symbol is published to the slow lane, where it disturbs only its like."""

from datetime import datetime
from typing import NamedTuple

import structlog
from django.db import transaction

from scanner_app.mailbox.rows import add_event
from scanner_app.messaging import publisher
from scanner_app.models import EventKind, Lane, SymbolStatus

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """Where a symbol is, and how far on its way back."""

    lane: str
    quick_bars: int  # in a row, counted in the slow lane only


HUNG = Place(Lane.SLOW, 0)
"""Where a symbol goes that hit a time limit or killed its process."""


def after_run(place: Place, run_s: float, *, slow_run_s: float, quick_bars: int) -> Place:
    """The place after a run of `run_s` seconds: slow at `slow_run_s`, back after `quick_bars` quicker ones."""
    if run_s >= slow_run_s:
        return HUNG
    if place.lane == Lane.MAIN:
        return place
    if place.quick_bars + 1 >= quick_bars:
        return Place(Lane.MAIN, 0)
    return Place(Lane.SLOW, place.quick_bars + 1)


def move(symbol_id: int, old_lane: str, place: Place, now: datetime, *, reason: str) -> None:
    """Store a new place, inside the transaction of what led to it. A change of lane leaves an event."""
    SymbolStatus.objects.filter(symbol_id=symbol_id).update(lane=place.lane, quick_bars=place.quick_bars)
    if place.lane != old_lane:
        add_event(symbol_id, EventKind.LANE, now, reason=f"to the {place.lane} lane: {reason}")
        transaction.on_commit(publisher.announce_queues, robust=True)
        log.info("lane_changed", symbol_id=symbol_id, lane=place.lane, reason=reason)
