"""What the runs of benchmarks.broken_detector have stored: their signals and figures, and both runs side by side.

Asked of the database itself: nothing is measured beside questions to the API, and two databases are asked in a row.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import psycopg

from benchmarks.breakable import Breakable
from scanner_app.tools.chaos.stack import Stack

Signals = Counter[tuple[Any, ...]]

SIGNALS = """
    SELECT ticker, s.timeframe, s.timestamp, detector, pattern, direction, strength, late, detector_version,
           window_gaps, withdrawn_at
      FROM scanner_app_signal s JOIN scanner_app_symbol y ON y.id = s.symbol_id
"""
"""All that a trader sees of a signal but when it was found, and whether by a re-run."""

DETECTOR = 3
"""Its place in such a row."""

WITNESSED = "SELECT symbol_id, timestamp, created_at FROM scanner_app_signal WHERE detector = 'witness'"
MADE_UP = "SELECT created_at FROM scanner_app_signal WHERE detector = 'breakable' AND revised"
SWITCHED = "SELECT kind, at FROM scanner_app_detectorevent ORDER BY id"
TOLD = "SELECT kind, subject, digest_id, state FROM scanner_app_notification ORDER BY id"
WAITING = "SELECT count(*) FROM scanner_app_symbolstatus WHERE head IS NOT NULL"
UNENDED = "SELECT count(*) FROM scanner_app_failureincident WHERE ended_at IS NULL"

COUNTS = {
    "failed": "SELECT count(DISTINCT symbol_id) FROM scanner_app_processingfailure",
    "incidents": "SELECT count(*) FROM scanner_app_failureincident",
    "probes_failed": "SELECT count(*) FROM scanner_app_detectorevent WHERE kind = 'returned'",
    "made_up": "SELECT count(*) FROM scanner_app_signal WHERE detector = 'breakable' AND revised",
    "changed": "SELECT count(*) FROM scanner_app_signal WHERE detector <> 'breakable' AND revised",
    "quarantined": "SELECT count(*) FROM scanner_app_quarantinedbar",
    "others": "SELECT count(*) FROM scanner_app_signal WHERE detector <> 'breakable'",
}

LABELS = {
    "ordinary_s": "before it breaks: a bar of each symbol is done after, s",
    "off_s": "it is switched off after, s",
    "half_s": "signals of the other detectors flow again at half of the symbols after, s",
    "all_s": "at all symbols after, s",
    "on_s": "a probe switches it on after, s",
    "made_up_s": "the last bar that it missed is made up for after, s",
    "failed": "symbols that it stopped",
    "probes_failed": "probes that failed",
    "made_up": "bars that re-runs have made up for",
    "incidents": "incidents",
    "about_it": "messages sent about it (that it fails, that it is over)",
    "about_symbols": "messages sent about single symbols",
    "about_alerts": "messages sent about alerts",
    "mails": "mails in all (a digest is one)",
    "quarantined": "bars in quarantine",
    "faults": "symbols at which `manage.py verify` finds fault",
    "others": "signals of the others",
    "changed": "of them stored by a re-run",
    "others_differ": "of them different from the undisturbed run's",
    "own_differ": "its own signals that are different, in the end",
}

MUST_BE_ZERO = ("faults", "others_differ", "own_differ")
"""Anything else is a bug of the scanner."""


@dataclass(slots=True)
class Result:
    """What one run has shown."""

    signals: Signals
    figures: dict[str, float]
    subjects: list[str] = field(default_factory=list)  # of the mails

    def of(self, *, breakable: bool) -> Signals:
        """The signals of that detector, or of the others."""
        return Counter({row: n for row, n in self.signals.items() if (row[DETECTOR] == Breakable.name) == breakable})


def ask(own: Stack, question: str) -> list[tuple[Any, ...]]:
    """The rows of an answer of a scanner's database."""
    if own.database_url:
        with psycopg.connect(own.database_url) as server:
            return server.execute(question.encode()).fetchall()
    with closing(sqlite3.connect(own.folder / "scanner.sqlite3", timeout=20)) as file:
        return file.execute(question).fetchall()


def number(own: Stack, question: str) -> int:
    """The one number of an answer."""
    return int(ask(own, question)[0][0])


def all_told(own: Stack) -> bool:
    """Whether all incidents have ended, and no message waits to be sent."""
    return not number(own, UNENDED) and all(state != "pending" for *_, state in ask(own, TOLD))


def result(own: Stack, figures: dict[str, float] | None = None) -> Result:
    """What a run has stored, beside the figures that are known already."""
    sent = [(kind, subject, digest) for kind, subject, digest, state in ask(own, TOLD) if state == "sent"]
    kinds = Counter(kind for kind, *_ in sent)
    mails = [subject for _, subject, digest in sent if digest is None]
    known: dict[str, float] = {
        **{name: round(value, 1) for name, value in (figures or {}).items()},
        **{name: number(own, question) for name, question in COUNTS.items()},
        "about_it": kinds["incident"],
        "about_symbols": kinds["opened"] + kinds["recovered"],
        "about_alerts": kinds["fired"] + kinds["renewed"] + kinds["cleared"],
        "mails": len(mails),
        "faults": len(own.verify()),
    }
    return Result(Counter(ask(own, SIGNALS)), known, mails)


def times(own: Stack, broke: float, first_bar: datetime, symbols: int) -> dict[str, float]:
    """Seconds from when it broke (unix s) until what came of that; `first_bar` is the time of the first bar after it.

    Raises RuntimeError if a symbol has had no signal since.
    """
    first: dict[int, float] = {}
    for symbol, stamp, created in ask(own, WITNESSED):
        if _seconds(stamp) >= first_bar.timestamp():
            first[symbol] = min(first.get(symbol, float("inf")), _seconds(created) - broke)
    if len(first) != symbols:
        raise RuntimeError(f"{len(first)} of {symbols} symbols have had signals since it broke")
    found = {"half_s": median(first.values()), "all_s": max(first.values())}
    for act in ("off", "on"):  # it may be off twice: the first time counts, and the last time on
        moments = [_seconds(at) - broke for kind, at in ask(own, SWITCHED) if kind == act]
        found[f"{act}_s"] = moments[0 if act == "off" else -1]
    return {**found, "made_up_s": max(_seconds(at) - broke for (at,) in ask(own, MADE_UP))}


def differing(one: Signals, other: Signals) -> int:
    """Rows of either that the other does not have, or not so often."""
    return ((one - other) + (other - one)).total()


def rows_of(undisturbed: Result, rounds: Sequence[Result]) -> list[dict[str, Any]]:
    """A row for each figure; of what must be 0, the worst round counts."""
    for one in rounds:
        for name, breakable in (("others_differ", False), ("own_differ", True)):
            one.figures[name] = differing(undisturbed.of(breakable=breakable), one.of(breakable=breakable))
    return [
        {
            "name": name,
            "figure": what,
            "undisturbed": undisturbed.figures.get(name, "-"),
            "broken": (max if name in MUST_BE_ZERO else median)(one.figures[name] for one in rounds),
            "rounds": [one.figures[name] for one in rounds],
        }
        for name, what in LABELS.items()
    ]


def bar_time(began: datetime, place: int) -> datetime:
    """The time of a symbol's bar, by its place among them: one a minute."""
    return began + timedelta(minutes=place)


def _seconds(at: datetime | str) -> float:
    """Unix time of a column's value: SQLite has texts, in UTC."""
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)).timestamp()
