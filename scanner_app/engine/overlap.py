"""Raw bars beside the stored ones, without changing anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scanner_app.engine.validation import Rejection, validate
from scanner_app.mailbox.sql import known_bars
from scanner_app.models import Symbol


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
    wanted = {bar.symbol for _, bar in good}
    symbols = dict(Symbol.objects.filter(ticker__in=wanted).values_list("ticker", "id"))
    keys = [(symbols[bar.symbol], bar.timeframe, bar.timestamp) for _, bar in good if bar.symbol in symbols]
    stored = {(bar.symbol_id, bar.timeframe, bar.timestamp): bar for bar in known_bars(keys)}
    overlap = Overlap()
    for index, bar in good:
        known = stored.get((symbols.get(bar.symbol, 0), bar.timeframe, bar.timestamp))
        if known is None:
            overlap.missing.append(index)
        elif not bar.same_values(known):
            overlap.changed.append(index)
    return overlap
