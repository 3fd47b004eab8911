"""What the first walks over a file have shown, as the one plan by which its rows become bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo

from scanner_app.feeds.reader.columns import Columns
from scanner_app.feeds.reader.moments import MomentReader
from scanner_app.feeds.reader.numbers import NumberForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a table is read.

    `volumes` is the chosen column of each group, None where the volume is unknown. `symbol` is the symbol of rows that
    name none, `symbols` are all tickers of the rows, () if they are too many to be known; `only` is the one that the
    others are left out for. `timeframe` is that of all rows, "" where each row says it; `divisor` is that of prices.
    """

    columns: Columns
    moments: MomentReader
    numbers: NumberForm
    volumes: tuple[int | None, ...]
    zone: tzinfo
    zone_name: str
    symbol: str
    symbols: tuple[str, ...]
    timeframe: str
    timeframes: tuple[str, ...]
    date_order: str = ""
    only: str | None = None
    divisor: float = 1.0
    backwards: bool = False
    notes: tuple[str, ...] = field(default=())
