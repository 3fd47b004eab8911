"""Ask a rule about stored bars: why it hit or did not, and how often it would have."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scanner_app.domain import hits
from scanner_app.domain.hits import State
from scanner_app.engine.judging import frame_of, hours_for
from scanner_app.engine.window import iso, moment, window_of
from scanner_app.mailbox import sql
from scanner_app.models import Bar, DerivedSeries, Signal, Symbol
from scanner_app.trader_rules import Expression, Part, explain, values_of

BUDGET_S = 2.0
"""Longest time (s) of a try-out. A common rule asks 500 bars in a twentieth of that."""


@dataclass(frozen=True, slots=True)
class Why:
    """What a rule says of a bar, and its parts."""

    held: bool | None  # None: not known
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class WouldHit:
    """A bar with which a rule would have hit."""

    bar: int
    timestamp: datetime
    values: dict[str, float | None]


@dataclass(slots=True)
class TriedOut:
    """What a rule says of the newest bars of a series."""

    bars: int = 0  # that were asked, oldest first
    first: datetime | None = None
    last: datetime | None = None
    held: int = 0  # bars on which it held
    not_known: int = 0
    hits: list[WouldHit] = field(default_factory=list)
    stopped: bool = False  # there was no time for the rest


def why(expression: Expression, bar: Bar, *, now: datetime) -> Why:
    """Each part of the condition on a stored bar, with the windows of its own time: later bars are in none of them."""
    needed = expression.bars_needed(bar.timeframe)
    older = sql.bars_up_to(bar.symbol_id, bar.timeframe, bar.timestamp, needed - 1, before=bar.sequence)
    newest = (iso(bar.timestamp), bar.open, bar.high, bar.low, bar.close, bar.volume)
    window = window_of(bar.symbol.ticker, bar.timeframe, [*reversed(older), newest])
    signals = list(Signal.objects.filter(bar=bar, withdrawn_at=None))
    hours = hours_for(bar.symbol_id, expression.needs, now)
    frame = frame_of(bar.symbol_id, window, signals, expression.needs, hours, before=bar.sequence)
    return Why(expression.holds(frame), explain(expression, frame))


def try_out(
    expression: Expression,
    symbol: Symbol,
    timeframe: str,
    *,
    bars: int,
    cooldown_s: int,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> TriedOut:
    """Ask the rule about the newest bars of a series, oldest first, as if each had come in its time.

    The first bar that it knows an answer for is no hit, as after saving. After BUDGET_S it stops.
    """
    needed = expression.bars_needed(timeframe)
    rows = sql.bars_up_to(symbol.pk, timeframe, now, bars + needed - 1)[::-1]
    found = TriedOut()
    if not rows:
        return found
    whole = window_of(symbol.ticker, timeframe, rows)
    begin = max(0, len(rows) - bars)
    first = moment(rows[begin][0])
    ids = _ids(symbol, timeframe, first, now)
    signals = _signals(symbol, timeframe, first) if expression.needs.signals else {}
    hours = hours_for(symbol.pk, expression.needs, now)
    derived = set(DerivedSeries.objects.filter(symbol=symbol, ended_at=None).values_list("timeframe", flat=True))
    state: State | None = None
    end = clock() + BUDGET_S
    for place in range(begin, len(rows)):
        if clock() >= end:
            found.stopped = True
            break
        timestamp = moment(rows[place][0])
        window = whole.between(max(0, place + 1 - needed), place + 1)
        said = signals.get(timestamp, ())
        frame = frame_of(symbol.pk, window, said, expression.needs, hours, derived=derived)
        held = expression.holds(frame)
        state, hit = hits.following(
            state, revision=0, held=held, bar_at=int(timestamp.timestamp()), cooldown_s=cooldown_s, tells=lambda: True
        )
        found.bars += 1
        found.first = found.first or timestamp
        found.last = timestamp
        found.held += held is True
        found.not_known += held is None
        if hit and timestamp in ids:
            found.hits.append(WouldHit(ids[timestamp], timestamp, values_of(expression, frame)))
    return found


def _ids(symbol: Symbol, timeframe: str, first: datetime, now: datetime) -> dict[datetime, int]:
    rows = Bar.objects.filter(symbol=symbol, timeframe=timeframe, timestamp__gte=first, timestamp__lt=now)
    return dict(rows.values_list("timestamp", "pk"))


def _signals(symbol: Symbol, timeframe: str, first: datetime) -> dict[datetime, Sequence[Signal]]:
    found: dict[datetime, list[Signal]] = {}
    rows = Signal.objects.filter(symbol=symbol, timeframe=timeframe, timestamp__gte=first, withdrawn_at=None)
    for signal in rows:
        found.setdefault(signal.timestamp, []).append(signal)
    return dict(found)
