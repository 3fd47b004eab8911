"""What a symbol's chart shows: the newest bars of one of its series, the signals on them, and the bar that forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scanner_app.domain.enums import BarStatus
from scanner_app.domain.timeframes import RANK
from scanner_app.engine import forming
from scanner_app.engine.forming import Forming
from scanner_app.models import Bar, Signal, Symbol
from scanner_app.reading import drawings

BARS = 250
"""Bars of a chart by default: a year of daily bars, four hours of minutes."""

MAX_BARS = 2_000
"""The most bars that a request can ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars and signals of one series. The names are the API's."""

    symbol: str
    timeframes: list[str]  # those in which the symbol has bars, closed or forming; shortest first
    timeframe: str | None  # the one that is shown; None without any bar
    bars: Sequence[Mapping[str, Any]]  # oldest first
    signals: Sequence[Mapping[str, Any]]  # on these bars, oldest first, without those that were withdrawn
    forming: Forming | None  # the bar after these, if there is one
    lines: Sequence[Mapping[str, Any]] = ()  # what the signals of the pattern saw; none if no pattern was asked for


def chart(
    symbol: Symbol, timeframe: str | None, *, limit: int = BARS, now: datetime, pattern: str | None = None
) -> Chart:
    """The newest `limit` bars by their opening time, with their signals, and the forming bar. Four queries at most.

    `timeframe` None: the shortest that has bars. Without bars of the timeframe the chart is empty. `pattern`: with the
    lines of its signals, for two queries more.
    Discarded bars are left out, since no window contains them.
    """
    unfinished = {one.timeframe: one for one in forming.of_symbol(symbol, now)}
    timeframes = sorted({*symbol.status.newest, *unfinished}, key=lambda name: RANK[name])
    shown = timeframe or next(iter(timeframes), None)
    bars = list(
        # By time, not by sequence, so that late bars are at their place. Served by the series' index, read backwards.
        Bar.objects.filter(symbol=symbol, timeframe=shown)
        .exclude(status=BarStatus.DISCARDED)
        .order_by("-timestamp")
        .values("id", "timestamp", "open", "high", "low", "close", "volume", "derived", "status")[:limit]
    )[::-1]
    valid = Signal.objects.filter(bar__in=[bar["id"] for bar in bars], withdrawn_at=None).order_by("timestamp", "id")
    signals = list(valid.values("timestamp", "detector", "pattern", "direction", "strength", "late", "revised"))
    drawn = [one for one in signals if one["pattern"] == pattern]
    last = unfinished.get(shown or "")
    return Chart(
        symbol=symbol.ticker,
        timeframes=timeframes,
        timeframe=shown,
        bars=bars,
        forming=last if last is not None and (not bars or last.timestamp > bars[-1]["timestamp"]) else None,
        signals=signals,
        lines=drawings.lines(symbol, shown, drawn, since=bars[0]["timestamp"]) if shown and drawn else (),
    )
