"""Raw bars beside the stored ones, without changing anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scanner_app.engine.validation import Rejection, validate
from scanner_app.mailbox.accept import stored_bars


@dataclass(frozen=True, slots=True)
class Overlap:
    """Where raw bars differ from the stored ones: places in the list that was given, ascending."""

    changed: list[int] = field(default_factory=list)  # stored with other values
    missing: list[int] = field(default_factory=list)  # not stored


def compare(bars: Sequence[Mapping[str, object]], *, now: datetime) -> Overlap:
    """Compare bars with the stored bars of the same symbol, timeframe and time, as ingest would.

    A bar that ingest would reject is neither changed nor missing. Two queries, whatever the number of bars.
    """
    checked = ((index, validate(index, raw, now)) for index, raw in enumerate(bars))
    good = [(index, bar) for index, bar in checked if not isinstance(bar, Rejection)]
    stored = stored_bars([bar for _, bar in good], now=now)
    overlap = Overlap()
    for index, bar in good:
        known = stored.get(bar.key)
        if known is None:
            overlap.missing.append(index)
        elif not bar.same_values(known):
            overlap.changed.append(index)
    return overlap
