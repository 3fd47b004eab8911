"""New values for bars that wait or were processed: changed in place, with a record of the old ones.

A revision takes no number and holds no bar. It raises the row's `revision`, so that whoever has read older values
finds out, and puts the processed bars on a re-run of the detectors (reruns.py). What is known against a head's old
values does not count against the new ones: its control run ends, and its lost messages are forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker, wording
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.bars import VALUES, values_of
from scanner_app.domain.enums import BarStatus, EventKind, RerunCause, Stage
from scanner_app.mailbox import rerun_spans, sql_accept
from scanner_app.models import Bar, BarRevision, Rerun, SymbolEvent, SymbolStatus

if TYPE_CHECKING:
    from scanner_app.mailbox.accept import NewBar

MAX_SOURCE = 128
"""Most characters of a sender's name that BarRevision keeps: a user's name may be longer."""


@dataclass(slots=True)
class Revisions:
    """The revised bars of one transaction, whose status rows are locked."""

    bars: dict[int, Bar] = field(default_factory=dict)  # by id, with their new values
    old: list[BarRevision] = field(default_factory=list)
    confirmed: list[Bar] = field(default_factory=list)
    symbols: set[int] = field(default_factory=set)  # ids of those whose status rows must be written
    judged: list[SymbolStatus] = field(default_factory=list)  # of heads that were about to be judged by old values

    def confirm(self, bar: Bar, *, derived: bool = False) -> None:
        """Its assumed or derived values turned out to be right."""
        bar.assumed, bar.derived = False, derived
        self.confirmed.append(bar)

    def add(self, bar: Bar, new: "NewBar", row: SymbolStatus, *, now: datetime) -> bool:
        """Give a stored bar other values. True: it was in its control run, and must be published to be run anew."""
        self.old.append(BarRevision(bar=bar, assumed=bar.assumed, **values_of(bar)))
        if row.symbol_id not in self.symbols:
            self.symbols.add(row.symbol_id)
            row.revision += 1
        for name in VALUES:
            setattr(bar, name, getattr(new, name))
        bar.revised, bar.assumed, bar.derived = True, new.assumed, new.derived
        self.bars[bar.pk] = bar
        return bar.sequence == row.head and self._forget_old_values(row, now)

    def _forget_old_values(self, row: SymbolStatus, now: datetime) -> bool:
        """What the row says against the head; True if it was in its control run."""
        in_control = row.stage == Stage.CONTROL
        if in_control:
            row.stage, row.attempts, row.deferrals = Stage.RUN, 0, 0
            row.next_attempt_at = breaker.due(row.symbol.breaker.value, breaker_rules(), now)
        if in_control or row.losses:
            row.losses = 0
            self.judged.append(row)
        return in_control

    def store(self, *, now: datetime, source: str) -> None:
        """Write the new values, the old ones, a line of each symbol's timeline, and the spans to run again."""
        if self.confirmed:
            Bar.objects.bulk_update(self.confirmed, ["assumed", "derived"])
        if not self.bars:
            return
        for one in self.old:
            one.at, one.source = now, (source or SCANNER)[:MAX_SOURCE]
        SymbolStatus.objects.bulk_update(self.judged, ["stage", "attempts", "deferrals", "losses"])
        sql_accept.revise_bars(self.bars.values())
        BarRevision.objects.bulk_create(self.old)
        SymbolEvent.objects.bulk_create(
            SymbolEvent(
                symbol_id=symbol_id,
                kind=EventKind.REVISED,
                at=now,
                actor=source or SCANNER,
                reason=_spoken(timeframe, bars),
            )
            for (symbol_id, timeframe), bars in self._series()
        )
        spans = []
        for (symbol_id, timeframe), bars in self._series():
            # A bar that waits needs no second look: its own run will see the new values.
            if times := [bar.timestamp for bar in bars if bar.status == BarStatus.PROCESSED]:
                first, last, cause = min(times), max(times), RerunCause.REVISION
                spans.append(Rerun(symbol_id=symbol_id, timeframe=timeframe, first=first, last=last, cause=cause))
                spans += rerun_spans.of_derived(symbol_id, timeframe, first, last)
        rerun_spans.widen_all(spans, now=now)

    def _series(self) -> Iterator[tuple[tuple[int, str], list[Bar]]]:
        """The revised bars by symbol and timeframe, oldest first."""
        ordered = sorted(self.bars.values(), key=lambda bar: (bar.symbol_id, bar.timeframe, bar.timestamp))
        for key, bars in groupby(ordered, key=lambda bar: (bar.symbol_id, bar.timeframe)):
            yield key, list(bars)


def _spoken(timeframe: str, bars: list[Bar]) -> str:
    first, last = (wording.bar_name(timeframe, bar.timestamp) for bar in (bars[0], bars[-1]))
    return first if len(bars) == 1 else f"{wording.counted(len(bars), 'bar')}, {first} to {last}"
