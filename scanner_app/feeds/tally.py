"""The account of a replay: what became of each bar, by file and line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from scanner_app.domain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner_app.engine.ingest import Report

LISTED: Final = 100_000
"""Rejected lines, and conflicts, that are listed one by one; further ones are only counted."""

CHANGED_SHOWN: Final = 5
"""Changed bars that the summary names: they are mostly all bars before a split."""


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
    revised: int = 0
    forming: int = 0
    duplicates: int = 0
    sent_again: int = 0  # of the duplicates: the call before did not answer, and may have accepted them
    conflict_count: int = 0
    rejected_count: int = 0
    skipped: int = 0  # left out by `--follow-on`: known already, or forgotten
    changed_count: int = 0  # of the skipped: stored with other values
    missing: int = 0  # of the skipped: not stored, though later ones are
    waiting: int = 0  # held back because their symbol's backlog is full
    unanswered: int = 0  # given to ingest, which was stopped before it answered: accepted or not
    seconds: float = 0.0
    conflicts: list[dict[str, object]] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)
    changed: list[dict[str, object]] = field(default_factory=list)
    disorder: Counter[str] = field(default_factory=Counter)  # by file: bars older than the one before

    @property
    def clean(self) -> bool:
        """Whether every bar was accepted or known already."""
        return not (self.conflict_count or self.rejected_count or self.unanswered)

    @property
    def done(self) -> int:
        """The bars of which it is known what became of them."""
        taken = self.accepted + self.revised + self.forming + self.duplicates
        return taken + self.conflict_count + self.rejected_count + self.skipped

    def as_json(self) -> dict[str, object]:
        """Return the account as plain values, for `--json`."""
        return {
            "accepted": self.accepted,
            "revised": self.revised,
            "forming": self.forming,
            "duplicates": self.duplicates,
            "sent_again": self.sent_again,
            "conflicts": self.conflicts,
            "rejected": self.rejected,
            "changed": self.changed,
            "seconds": round(self.seconds, 3),
            "conflict_count": self.conflict_count,
            "rejected_count": self.rejected_count,
            "skipped": self.skipped,
            "changed_count": self.changed_count,
            "missing": self.missing,
            "waiting": self.waiting,
            "unanswered": self.unanswered,
        }

    def take(self, batch: Sequence[Line], report: Report, *, sent_again: bool = False) -> list[Line]:
        """Enter the report on a batch; return its lines that found their backlog full, in order.

        `sent_again`: ingest had this batch before, and did not answer.
        """
        self.accepted += report.accepted
        self.duplicates += report.duplicates
        self.revised += report.revised
        self.forming += report.forming
        if sent_again:
            self.sent_again += report.duplicates
        for conflict in report.conflicts:
            self.conflict_count += 1
            if self.conflict_count <= LISTED:
                line = batch[conflict.index]
                self.conflicts.append(_place(line, conflict.symbol, conflict.timeframe, conflict.timestamp))
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

    def leave_out(self, changed: Sequence[Line] = (), *, same: int = 0, missing: int = 0) -> None:
        """Enter bars that `--follow-on` leaves out: those stored with other values, or equal, or not at all."""
        self.skipped += len(changed) + same + missing
        self.missing += missing
        for line in changed:
            self.changed_count += 1
            if self.changed_count <= LISTED and line.moment is not None:
                self.changed.append(_place(line, line.symbol, str(line.bar["timeframe"]), line.moment))


def _place(line: Line, symbol: str, timeframe: str, timestamp: datetime) -> dict[str, object]:
    """Where a bar stands in its file, and which bar it is."""
    return {
        "file": line.file,
        "line": line.number,
        "symbol": symbol,
        "timeframe": timeframe,
        "timestamp": timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def summary(tally: Tally, *, shown: int = 20) -> str:
    """Return the account in words: the counts, then line by line what was not taken."""
    text = [f"{', '.join(_counts(tally))} in {tally.seconds:.1f} s"]
    if tally.sent_again:
        text.append(
            f"{counted(tally.sent_again, 'duplicate')} came in calls that were sent again after an outage: the first "
            "sending may have accepted them"
        )
    if tally.unanswered:
        text.append(
            f"{counted(tally.unanswered, 'bar')} got no answer before the end: accepted or not. A second run says which"
        )
    text += [
        f"{row['file']}:{row['line']}: rejected ({row['reason']}): {row['message']}"
        for row in islice(tally.rejected, shown)
    ]
    text += [f"{_in_file(row, 'conflict')} is known with other values" for row in islice(tally.conflicts, shown)]
    more = max(0, tally.rejected_count - shown) + max(0, tally.conflict_count - shown)
    if more:
        text.append(f"... and {more:,} more lines")
    if tally.conflict_count:
        text.append("To store the values of the files in place of those that are known, replay them with --revise")
    text += _history(tally)
    for name, count in tally.disorder.items():
        text.append(
            f"{name}: {count:,} bars are older than the bar before them; of one symbol, such bars "
            "count as late. Sort the file by time, oldest first"
        )
    return "\n".join(text)


def _counts(tally: Tally) -> list[str]:
    """The counts that every account has, and of the others those that are not 0."""
    always = [
        f"{tally.accepted:,} accepted",
        f"{tally.duplicates:,} duplicates",
        f"{tally.conflict_count:,} conflicts",
        f"{tally.rejected_count:,} rejected",
    ]
    rare = {
        "revised": tally.revised,
        "forming": tally.forming,
        "skipped as known or too old": tally.skipped,
        "not sent, their symbol's backlog being full": tally.waiting,
    }
    return always + [f"{count:,} {what}" for what, count in rare.items() if count]


def _history(tally: Tally) -> list[str]:
    """What `--follow-on` found in the bars that it left out."""
    text = []
    if tally.changed_count:
        text.append(
            f"History has changed: the files have other values for {counted(tally.changed_count, 'stored bar')} that "
            "--follow-on left out. To store these values, replay the files with --revise and without --follow-on"
        )
        text += [_in_file(row, "changed") for row in islice(tally.changed, CHANGED_SHOWN)]
        if tally.changed_count > CHANGED_SHOWN:
            text.append(f"... and {tally.changed_count - CHANGED_SHOWN:,} more")
    if tally.missing:
        text.append(
            f"--follow-on left out {counted(tally.missing, 'bar')} that {'is' if tally.missing == 1 else 'are'} not "
            "stored, though later ones are. Without it they are accepted as late"
        )
    return text


def _in_file(row: Mapping[str, object], what: str) -> str:
    return f"{row['file']}:{row['line']}: {what}: {row['symbol']} {row['timeframe']} {row['timestamp']}"
