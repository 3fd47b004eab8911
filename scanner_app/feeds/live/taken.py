"""What became of bars that were handed to ingest, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from scanner_app.domain.feed_entries import Series
from scanner_app.engine.ingest import Report
from scanner_app.engine.validation import Rejection
from scanner_app.feeds.live.venue import VenueBar

log = structlog.get_logger(__name__)

REFUSING: Final = frozenset({"unknown_symbol", "too_many_symbols", "deleted"})
"""Reasons for which no bar of the symbol is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of some bars of a series."""

    bars: Sequence[VenueBar]
    revising: bool
    conflicts: Sequence[VenueBar] = ()  # known, with other values, which were not taken
    full: bool = False  # the symbol's backlog is: some of the bars were not taken
    refusal: str = ""  # why the symbol is not taken at all; "": it is

    @property
    def is_whole(self) -> bool:
        """Whether the scanner has taken them, as far as waiting can help."""
        return not self.full and not self.refusal


@dataclass(slots=True)
class Counts:
    """What ingest has answered since the start, in bars."""

    accepted: int = 0
    duplicates: int = 0
    revised: int = 0
    conflicts: int = 0
    rejected: int = 0

    def add(self, report: Report) -> None:
        """Add those of one call."""
        self.accepted += report.accepted
        self.duplicates += report.duplicates
        self.revised += report.revised
        self.conflicts += len(report.conflicts)
        self.rejected += len(report.rejected)


def refusals(series: Series, rejected: Sequence[Rejection]) -> dict[str, Any]:
    """Whether the series' backlog is full, and why its symbol is refused. What else is refused is logged."""
    for one in rejected:
        if one.reason not in {"backlog_full", "too_old", *REFUSING}:
            log.warning("feed_bar_rejected", series=str(series), reason=one.reason, message=one.message)
    return {
        "full": any(one.reason == "backlog_full" for one in rejected),
        "refusal": next((one.message for one in rejected if one.reason in REFUSING), ""),
    }
