"""Move a symbol to the slow lane, where it can delay only other slow symbols, and back."""

from datetime import datetime

import structlog

from scanner_app.domain.enums import EventKind
from scanner_app.domain.lanes import Place
from scanner_app.mailbox.events import add_event
from scanner_app.models import SymbolStatus

log = structlog.get_logger(__name__)


def move_to_lane(symbol_id: int, old_lane: str, place: Place, now: datetime, *, reason: str) -> None:
    """Store the new place. Runs inside the caller's transaction. A change of lane is written to the timeline."""
    SymbolStatus.objects.filter(symbol_id=symbol_id).update(lane=place.lane, quick_bars=place.quick_bars)
    if place.lane != old_lane:
        add_event(symbol_id, EventKind.LANE, now, reason=f"to the {place.lane} lane: {reason}")
        log.info("lane_changed", symbol_id=symbol_id, lane=place.lane, reason=reason)
