"""What the events of the stream are: signals and hits as their lists have them, read by their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from scanner_app.domain.enums import StreamKind
from scanner_app.models import Hit, Rule, Signal, StreamEntry

AT_ONCE = 500
"""Events that are read, or handed to a stream, in one piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A signal or a hit, ready to be sent."""

    number: int
    kind: StreamKind
    symbol: str  # ticker
    detector: str = ""
    direction: str = ""
    owner: int | None = None  # id of the user whose rule was hit
    shared: bool = False  # whether others may see that rule
    text: bytes


Batch = tuple[list[Event], int]
"""Events, and up to which number they are all that there are."""


def read(number: int) -> Batch:
    """Some events after this number, and up to which number they are all: that of the last entry that was read."""
    rows = StreamEntry.objects.filter(number__gt=number).order_by("number")
    entries = list(rows.values_list("number", "kind", "row_id")[:AT_ONCE])
    of_kind = {kind: [row for _, one, row in entries if one == kind] for kind in StreamKind}
    found = {StreamKind.SIGNAL: _signals(of_kind[StreamKind.SIGNAL]), StreamKind.HIT: _hits(of_kind[StreamKind.HIT])}
    events = [
        Event(
            number=number,
            kind=StreamKind(kind),
            text=_event(number, kind, data),
            symbol=data["symbol"],
            detector=data.get("detector", ""),
            direction=data.get("direction", ""),
            **about,
        )
        for number, kind, row in entries
        if (pair := found[StreamKind(kind)].get(row)) is not None
        for data, about in [pair]
    ]
    return events, entries[-1][0] if entries else number


def gap(after: int, before: int) -> bytes:
    """An event that says that others are missing."""
    data = {"after": after, "up_to": before, "detail": "Some events after the first number are not in the stream."}
    return _event(before, "gap", data)


def _signals(ids: Sequence[int]) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """By id: a signal as the list of signals has it."""
    rows = Signal.objects.filter(pk__in=ids, symbol__deleted_at=None).select_related("symbol")
    return {
        row.pk: (
            {
                "id": row.pk,
                "symbol": row.symbol.ticker,
                "timeframe": row.timeframe,
                "timestamp": row.timestamp,
                "bar": row.bar_id,
                "detector": row.detector,
                "pattern": row.pattern,
                "direction": row.direction,
                "strength": row.strength,
                "late": row.late,
                "revised": row.revised,
                "withdrawn_at": row.withdrawn_at,
                "detector_version": row.detector_version,
                "window_gaps": row.window_gaps,
                "created_at": row.created_at,
            },
            {},
        )
        for row in rows
    }


def _hits(ids: Sequence[int]) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """By id: a hit as the list of hits has it, and who may see it."""
    if not ids:
        return {}
    rows = list(Hit.objects.filter(pk__in=ids, symbol__deleted_at=None).select_related("symbol"))
    rules = Rule.objects.filter(deleted_at=None).in_bulk({row.rule_id for row in rows})
    return {
        row.pk: (
            {
                "id": row.pk,
                "rule": row.rule_id,
                "symbol": row.symbol.ticker,
                "timeframe": row.timeframe,
                "timestamp": row.timestamp,
                "bar": row.bar_id,
                "values": row.values,
                "late": row.late,
                "created_at": row.created_at,
            },
            {"owner": rules[row.rule_id].owner_id, "shared": rules[row.rule_id].shared},
        )
        for row in rows
        if row.rule_id in rules
    }


def _event(number: int, kind: str, data: object) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), orjson.dumps(data, option=orjson.OPT_UTC_Z))
