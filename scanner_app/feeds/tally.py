"""The account of a replay: what became of each bar, by file and line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner_app.engine.ingest import Report

LISTED: Final = 100_000
"""Rejected lines, and conflicts, that are listed one by one; further ones are only counted."""


class Line(NamedTuple):
    """One raw bar and where it was found."""

    file: str
    number: int
    bar: Mapping[str, object]

    @property
    def symbol(self) -> str:
        """The ticker as ingest will store it."""
        return str(self.bar["symbol"]).strip().upper()

    @property
    def moment(self) -> datetime | None:
        """The bar's timestamp; None if the file's text could not be read as one."""
        value = self.bar["timestamp"]
        return value if isinstance(value, datetime) else None


@dataclass(slots=True)
class Tally:
    """What became of the bars so far. `skipped` and `waiting` bars have not been given to ingest."""

    accepted: int = 0
    duplicates: int = 0
    forming: int = 0  # their period is not over
    conflict_count: int = 0
    rejected_count: int = 0
    skipped: int = 0  # known already or forgotten, left out by `going_on`
    waiting: int = 0  # held back because their symbol's backlog is full
    seconds: float = 0.0
    conflicts: list[dict[str, object]] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)
    disorder: Counter[str] = field(default_factory=Counter)  # by file: bars older than the one before

    @property
    def clean(self) -> bool:
        """Whether every bar was accepted or known already."""
        return not (self.conflict_count or self.rejected_count)

    def skip(self) -> None:
        """Count a bar that is left out."""
        self.skipped += 1

    def as_json(self) -> dict[str, object]:
        """Return the account as plain values, for `--json`."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "rejected": self.rejected,
            "seconds": round(self.seconds, 3),
            "conflict_count": self.conflict_count,
            "rejected_count": self.rejected_count,
            "skipped": self.skipped,
            "waiting": self.waiting,
            "forming": self.forming,
        }

    def take(self, batch: Sequence[Line], report: Report) -> list[Line]:
        """Enter the report on a batch; return its lines that found their backlog full, in order."""
        self.accepted += report.accepted
        self.duplicates += report.duplicates
        self.forming += report.forming
        for conflict in report.conflicts:
            self.conflict_count += 1
            if self.conflict_count <= LISTED:
                line = batch[conflict.index]
                self.conflicts.append(
                    {
                        "file": line.file,
                        "line": line.number,
                        "symbol": conflict.symbol,
                        "timeframe": conflict.timeframe,
                        "timestamp": conflict.timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                    }
                )
        full = []
        for rejection in sorted(report.rejected, key=lambda each: each.index):
            line = batch[rejection.index]
            if rejection.reason == "backlog_full":
                full.append(line)
                continue
            self.rejected_count += 1
            if self.rejected_count <= LISTED:
                self.rejected.append(
                    {
                        "file": line.file,
                        "line": line.number,
                        "field": rejection.field,
                        "reason": str(rejection.reason),
                        "message": rejection.message,
                    }
                )
        return full


def summary(tally: Tally, *, shown: int = 20) -> str:
    """Return the account in words: the counts, then line by line what was not taken."""
    counts = [
        f"{tally.accepted:,} accepted",
        f"{tally.duplicates:,} duplicates",
        f"{tally.conflict_count:,} conflicts",
        f"{tally.rejected_count:,} rejected",
    ]
    if tally.forming:
        counts.append(f"{tally.forming:,} forming, their period not being over")
    if tally.skipped:
        counts.append(f"{tally.skipped:,} skipped as known or too old")
    if tally.waiting:
        counts.append(f"{tally.waiting:,} not sent, their symbol's backlog being full")
    text = [f"{', '.join(counts)} in {tally.seconds:.1f} s"]
    text += [
        f"{row['file']}:{row['line']}: rejected ({row['reason']}): {row['message']}"
        for row in islice(tally.rejected, shown)
    ]
    for row in islice(tally.conflicts, shown):
        known = f"{row['symbol']} {row['timeframe']} {row['timestamp']}"
        text.append(f"{row['file']}:{row['line']}: conflict: {known} is known with other values")
    more = max(0, tally.rejected_count - shown) + max(0, tally.conflict_count - shown)
    if more:
        text.append(f"... and {more:,} more lines")
    for name, count in tally.disorder.items():
        text.append(
            f"{name}: {count:,} bars are older than the bar before them; of one symbol, such bars "
            "count as late. Sort the file by time, oldest first"
        )
    return "\n".join(text)
