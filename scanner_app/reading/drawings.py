"""Lines on a symbol's chart that show what the signals of one pattern saw, as their detectors draw them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from scanner_app.detectors.interface import Drawing
from scanner_app.domain.enums import BarStatus
from scanner_app.engine import detection, window
from scanner_app.models import Bar, Symbol

log = structlog.get_logger(__name__)

MOST = 30
"""Signals whose lines are drawn, the newest ones: more would hide the candles."""

MORE_BARS = 60
"""Bars before a detector's window that it may draw on."""

Drawn = dict[str, Any]
"""`{timestamp, points: [{timestamp, price}, …]}`: of the signal's bar, and along the line."""


def lines(symbol: Symbol, timeframe: str, signals: Sequence[Mapping[str, Any]], *, since: datetime) -> list[Drawn]:
    """The lines of these signals, oldest first, as far as their detectors draw and from `since` on. Two queries.

    A line is drawn as the bars are now. A detector that is not on, or that fails, draws nothing.
    """
    artists = {one.name: one for one in detection.chosen() if isinstance(one, Drawing)}
    drawn = [one for one in signals if one["detector"] in artists][-MOST:]
    if not drawn:
        return []
    needed = max(artists[one["detector"]].bars_needed for one in drawn) + MORE_BARS
    rows = _bars(symbol, timeframe, drawn[-1]["timestamp"], since=since, needed=needed)
    places = {row[0]: place for place, row in enumerate(rows)}
    found: list[Drawn] = []
    for signal in drawn:
        place = places.get(signal["timestamp"])
        if place is not None:
            seen = rows[max(0, place + 1 - needed) : place + 1]
            found += _of_signal(artists[signal["detector"]], symbol.ticker, timeframe, signal, seen, since)
    return found


def _bars(symbol: Symbol, timeframe: str, until: datetime, *, since: datetime, needed: int) -> list[tuple[Any, ...]]:
    bars = Bar.objects.filter(symbol=symbol, timeframe=timeframe, status=BarStatus.PROCESSED).order_by("-timestamp")
    columns = ("timestamp", "open", "high", "low", "close", "volume")
    shown = bars.filter(timestamp__gte=since, timestamp__lte=until).values_list(*columns)
    before = bars.filter(timestamp__lt=since).values_list(*columns)[:needed]
    return [*shown, *before][::-1]


def _of_signal(
    artist: Any,
    ticker: str,
    timeframe: str,
    signal: Mapping[str, Any],
    rows: Sequence[tuple[Any, ...]],
    since: datetime,
) -> Iterator[Drawn]:
    seen = window.window_of(ticker, timeframe, [(window.iso(row[0]), *row[1:]) for row in rows])
    try:
        for line in artist.draw(seen):
            # By time, so that no two points stand above each other, which the chart does not draw.
            points = {rows[place][0]: price for place, price in sorted(line.points) if rows[place][0] >= since}
            if line.pattern == signal["pattern"] and len(points) > 1:
                along = [{"timestamp": timestamp, "price": price} for timestamp, price in points.items()]
                yield {"timestamp": signal["timestamp"], "points": along}
    except Exception:  # whatever it is, it is this drawing's
        log.exception("drawing_failed", detector=artist.name, symbol=ticker)
