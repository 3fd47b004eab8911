"""Have bars accepted. REST, files and feeds all go through `accept`; what a valid bar is: validation.py."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection

from scanner_app import mailbox
from scanner_app.domain.bars import values_of
from scanner_app.domain.timeframes import RANK
from scanner_app.engine import forming, off_grid
from scanner_app.engine.validation import Rejection, validate
from scanner_app.mailbox.accept import CHUNK, create_symbols, stored_bars
from scanner_app.mailbox.sql_accept import known_tickers
from scanner_app.telemetry import counters

MAX_BARS = 5_000
"""Most bars of one call."""

MOST_ROOM_S = 0.2
"""Longest pause after a full chunk: one that took longer has itself waited for others."""

REASONS = {
    "backlog_full": "the symbol's backlog is full; send the bar again later",
    "unknown_symbol": "the symbol is unknown, and SCANNER_UNKNOWN_SYMBOLS is 'reject'",
    "too_many_symbols": "there are already as many symbols as SCANNER_MAX_SYMBOLS allows",
    "deleted": "the symbol is being deleted",
}
"""Reasons that concern a bar's symbol, with their explanation."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A known bar came again with other values. The stored bar was not changed."""

    index: int
    symbol: str
    timeframe: str
    timestamp: datetime
    stored: dict[str, float | None]  # open, high, low, close, volume
    sent: dict[str, float | None]


@dataclass(slots=True)
class Report:
    """What happened to the bars of one call; both lists are ordered by index."""

    accepted: int = 0
    duplicates: int = 0
    forming: int = 0  # their period is not over: not numbered
    revised: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def accept(bars: Sequence[Mapping[str, object]], *, now: datetime, revising: bool = False, source: str = "") -> Report:
    """Accept the valid bars of `bars`, and report what is wrong with the others.

    `revising`: new values for known bars are revisions, not conflicts; `source` says in their record who sent them.

    A bar has symbol, timeframe, timestamp (aware datetime or ISO 8601 text with an offset), open, high,
    low, close and volume, and may have closed (true or false); other keys are ignored. The bars get their
    sequences in the order of timestamp, timeframe (shorter first) and index; forming ones get none. Every accepted
    bar is committed when this returns. Raises ValueError for no bars or more than MAX_BARS.
    """
    if not 1 <= len(bars) <= MAX_BARS:
        raise ValueError(f"1 to {MAX_BARS} bars in one call, not {len(bars)}")
    report = Report()
    good: list[tuple[int, mailbox.NewBar]] = []
    for index, raw in enumerate(bars):
        checked = validate(index, raw, now)
        if isinstance(checked, Rejection):
            report.rejected.append(checked)
        else:
            good.append((index, checked))
    if strays := off_grid.rejections(good, now):
        report.rejected += strays.values()
        good = [(index, bar) for index, bar in good if index not in strays]
    refused = _create_unknown({bar.symbol for _, bar in good}, now)
    good.sort(key=lambda item: (item[1].timestamp, RANK[item[1].timeframe], item[0]))
    wanted = []
    for index, bar in good:
        if reason := refused.get(bar.symbol):
            report.rejected.append(Rejection(index, "symbol", reason, f"{bar.symbol}: {REASONS[reason]}"))
        else:
            wanted.append((index, bar))
    closed, unfinished = forming.split(wanted, now=now)
    _accept_closed(closed, report, now=now, revising=revising, source=source)
    # After the closed ones: of these a forming bar must be newer.
    kept = forming.keep([bar for _, bar in unfinished], now=now)
    for (index, bar), verdict in zip(unfinished, kept, strict=True):
        _add(report, index, bar, verdict)
    report.conflicts.sort(key=lambda conflict: conflict.index)
    report.rejected.sort(key=lambda rejection: rejection.index)
    counters.bars_refused(
        {
            "duplicate": report.duplicates,
            "conflict": len(report.conflicts),
            **Counter(rejection.reason for rejection in report.rejected),
        }
    )
    return report


def _accept_closed(
    closed: Sequence[tuple[int, mailbox.NewBar]], report: Report, *, now: datetime, revising: bool, source: str
) -> None:
    taken: set[tuple[str, str, datetime]] = set()
    for begin in range(0, len(closed), CHUNK):
        chunk = closed[begin : begin + CHUNK]
        began_s = time.monotonic()
        verdicts = mailbox.accept([bar for _, bar in chunk], now=now, revising=revising, source=source, taken=taken)
        judged = [(index, bar, verdict) for (index, bar), verdict in zip(chunk, verdicts, strict=True)]
        for index, bar, verdict in judged:
            _add(report, index, bar, verdict)
        in_conflict = [(index, bar) for index, bar, verdict in judged if verdict is mailbox.Verdict.CONFLICT]
        _add_conflicts(report, in_conflict, now)
        if len(chunk) == CHUNK:
            _leave_room(time.monotonic() - began_s)


def _leave_room(took_s: float) -> None:
    """Let others write for as long as a full chunk took, on SQLite, which has one writer at a time.

    Who waits for it looks again every 100 ms at the latest. A long history that is sent without a pause would keep
    nearly all of that time from the bars that come meanwhile.
    """
    if connection.vendor == "sqlite":
        time.sleep(min(took_s, MOST_ROOM_S))


def _add(report: Report, index: int, bar: mailbox.NewBar, verdict: mailbox.Verdict) -> None:
    match verdict:
        case mailbox.Verdict.ACCEPTED:
            report.accepted += 1
        case mailbox.Verdict.DUPLICATE:
            report.duplicates += 1
        case mailbox.Verdict.REVISED:
            report.revised += 1
        case mailbox.Verdict.FORMING:
            report.forming += 1
        case mailbox.Verdict.CONFLICT:
            pass  # _add_conflicts, with the stored values
        case _:
            report.rejected.append(Rejection(index, "symbol", verdict.value, f"{bar.symbol}: {REASONS[verdict.value]}"))


def _add_conflicts(report: Report, conflicts: Sequence[tuple[int, mailbox.NewBar]], now: datetime) -> None:
    """Report them with the values that are stored and those that were sent."""
    if not conflicts:
        return
    stored = stored_bars([bar for _, bar in conflicts], now=now)
    report.conflicts += [
        Conflict(
            index, bar.symbol, bar.timeframe, bar.timestamp, stored=values_of(stored[bar.key]), sent=values_of(bar)
        )
        for index, bar in conflicts
        if bar.key in stored  # else retention or a deletion has removed it since
    ]


def _create_unknown(wanted: set[str], now: datetime) -> dict[str, str]:
    """Add the symbols of unknown tickers; returns those that the settings forbid, with the reason."""
    unknown = sorted(wanted - known_tickers(wanted))
    if not unknown:
        return {}
    if settings.SCANNER_UNKNOWN_SYMBOLS == "reject":
        return dict.fromkeys(unknown, "unknown_symbol")
    symbols = create_symbols(unknown, at_most=settings.SCANNER_MAX_SYMBOLS, now=now)
    return dict.fromkeys(sorted(set(unknown) - symbols.created - symbols.known), "too_many_symbols")
