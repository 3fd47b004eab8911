"""What a symbol's chart shows: the newest bars of one of its series, and the signals on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanner_app.domain.enums import BarStatus
from scanner_app.domain.timeframes import RANK
from scanner_app.models import Bar, Signal, Symbol

BARS = 250
"""Bars of a chart unless more are asked for: a year of days, four hours of minutes."""

MAX_BARS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The names are the API's."""

    symbol: str
    timeframes: list[str]  # those that the symbol has bars of, shortest first
    timeframe: str | None  # the one that is shown; None without any bar
    bars: Sequence[Mapping[str, Any]]  # oldest first
    signals: Sequence[Mapping[str, Any]]  # on these bars, oldest first


def chart(symbol: Symbol, timeframe: str | None, *, limit: int = BARS) -> Chart:
    """The newest `limit` bars by their own time, with their signals. Three queries.

    Without a timeframe the shortest that there is; without bars of that timeframe an empty chart.
    Discarded bars are left out: they are in no window.
    """
    timeframes = sorted(symbol.status.newest, key=lambda name: RANK[name])
    shown = timeframe or next(iter(timeframes), None)
    bars = list(
        # The series' index, backwards from its end: late bars stand at their own time.
        Bar.objects.filter(symbol=symbol, timeframe=shown)
        .exclude(status=BarStatus.DISCARDED)
        .order_by("-timestamp")
        .values("id", "timestamp", "open", "high", "low", "close", "volume", "status")[:limit]
    )[::-1]
    signals = Signal.objects.filter(bar__in=[bar["id"] for bar in bars]).order_by("timestamp", "id")
    return Chart(
        symbol=symbol.ticker,
        timeframes=timeframes,
        timeframe=shown,
        bars=bars,
        signals=list(signals.values("timestamp", "detector", "pattern", "direction", "strength", "late")),
    )
