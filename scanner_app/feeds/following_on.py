"""`--follow-on`: leave out what is stored, but say where the stored bars differ from those of the file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from scanner_app.feeds.replay import BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from scanner_app.engine.overlap import Overlap
    from scanner_app.feeds.patience import Patience
    from scanner_app.feeds.replay import Source
    from scanner_app.feeds.tally import Line, Tally


class Compare(Protocol):
    """Looks up stored bars: takes any number of raw bars."""

    def __call__(self, bars: Sequence[Mapping[str, object]], /, *, now: datetime) -> Overlap:
        """Say which of them are stored with other values, and which are not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOn:
    """Leaves bars out of sources, and enters them in the account.

    Left out are the bars up to the newest of their series in `newest` (by ticker and timeframe), and those
    before `oldest`: retention has forgotten them, or would. Without `compare` nothing is looked up.
    """

    newest: Mapping[tuple[str, str], datetime]
    oldest: datetime | None
    tally: Tally
    patience: Patience
    compare: Compare | None
    on_progress: Callable[[], None] = lambda: None  # called after each lookup

    def of(self, source: Source) -> Source:
        """The source without these bars."""
        return replace(source, lines=self._lines(source))

    def _lines(self, source: Source) -> Iterator[Line]:
        overlap: list[Line] = []
        for line in source.lines:
            moment = line.moment
            known = self.newest.get((line.symbol, str(line.bar["timeframe"])))
            if moment is not None and self.oldest and moment < self.oldest:
                self.tally.leave_out(same=1)
            elif moment is not None and known and moment <= known:
                overlap.append(line)
                if len(overlap) == BATCH:
                    self._leave_out(overlap)
                    overlap = []
            else:
                yield line
        self._leave_out(overlap)

    def _leave_out(self, lines: list[Line]) -> None:
        if not lines or self.compare is None:
            self.tally.leave_out(same=len(lines))
            return
        compare, bars = self.compare, [line.bar for line in lines]
        found = self.patience.call(lambda: compare(bars, now=self.patience.outside.now()))
        changed = [lines[index] for index in found.changed]
        same = len(lines) - len(changed) - len(found.missing)
        self.tally.leave_out(changed, same=same, missing=len(found.missing))
        self.on_progress()
