"""What a symbol's stored figures prove: a pure judgement of counts that were read in one snapshot.

The promise: every accepted bar was processed, quarantined, discarded, or waits, once and in the order of acceptance.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from scanner_app.domain.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFigures:
    """One symbol's row, and its bars counted, all as they were at one moment."""

    head: int | None
    cursor: int
    last_sequence: int
    bars_processed: int  # as the row counts them
    processed: int  # bars with that status; so the next ones
    quarantined: int
    discarded: int
    waiting: int
    waiting_first: int | None  # the lowest and the highest sequence of those that wait; None: none waits
    waiting_last: int | None
    done_last: int | None  # the highest sequence of a finished bar
    done_first: int | None = None  # and the lowest
    attempts: int = 0  # failures of the head, by the row
    has_breaker: bool = True
    renumbered: int = 0  # times that a bar was accepted anew under another number: its old number is free
    out_of_order: int = 0  # processed bars that finished before a bar with a lower number
    first_out_of_order: int | None = None  # the sequence of the first of them
    finish_missing: int = 0  # finished bars without the time of their end, or waiting ones with one
    runs_missing: int = 0  # processed bars without attempts or latency
    signals_doubled: int = 0  # valid signals with the same bar, detector and pattern as another
    signals_astray: int = 0  # valid signals on bars that were not processed, or that are not the signals'
    hits_astray: int = 0  # hits whose bar is another one than they say
    open_entries: int = 0  # entries of the quarantine that are not resolved
    entries_astray: int = 0  # of these, entries of bars that are not in quarantine

    @property
    def bars(self) -> int:
        """The bars that are stored."""
        return self.processed + self.quarantined + self.discarded + self.waiting

    @property
    def missing(self) -> int:
        """Sequences given out that no bar has and no renumbering explains."""
        return self.last_sequence - self.bars - self.renumbered


def faults(figures: LogFigures, *, forgets: bool) -> Iterator[str]:
    """What contradicts the promise, one sentence each; nothing: it is proved.

    `forgets`: old bars and records are removed, so that numbers may be missing at the beginning of the log.
    """
    yield from _row_faults(figures)
    yield from _number_faults(figures, forgets=forgets)
    if figures.out_of_order:
        yield (
            f"{counted(figures.out_of_order, 'bar')} finished before a bar with a lower number, "
            f"the first of them number {figures.first_out_of_order}"
        )
    if figures.finish_missing:
        yield f"{counted(figures.finish_missing, 'bar')} finished without the time of the end, or waits with one"
    if figures.runs_missing:
        yield f"{counted(figures.runs_missing, 'bar')} processed without an attempt or a latency"
    yield from _effect_faults(figures)
    if figures.open_entries != figures.quarantined:
        yield f"{counted(figures.quarantined, 'bar')} in quarantine, but {figures.open_entries:,} open entries"
    if figures.entries_astray:
        yield f"{figures.entries_astray:,} open entries of the quarantine are of bars that are not in it"


def _effect_faults(figures: LogFigures) -> Iterator[str]:
    if figures.signals_doubled:
        yield f"{figures.signals_doubled:,} signals are stored more than once"
    if figures.signals_astray:
        yield f"{figures.signals_astray:,} valid signals are on bars that were not processed, or are not theirs"
    if figures.hits_astray:
        yield f"{figures.hits_astray:,} hits of rules are on bars that are not theirs"


def _row_faults(figures: LogFigures) -> Iterator[str]:
    expected = figures.cursor + 1 if figures.last_sequence > figures.cursor else None
    if figures.head != expected:
        yield (
            f"the head is {figures.head}, but by the cursor {figures.cursor} and the last number "
            f"{figures.last_sequence} it is {expected}"
        )
    if figures.cursor > figures.last_sequence:
        yield f"the cursor, {figures.cursor}, is beyond the last number, {figures.last_sequence}"
    if figures.head is None and figures.attempts:
        yield f"the row counts {counted(figures.attempts, 'failure')} of a head, but there is none"
    if not figures.has_breaker:
        yield "the row of its breaker is gone: no bar of it can run"


def _number_faults(figures: LogFigures, *, forgets: bool) -> Iterator[str]:
    backlog = figures.last_sequence - figures.cursor
    span = (figures.cursor + 1, figures.last_sequence) if backlog else (None, None)
    if (figures.waiting_first, figures.waiting_last) != span or figures.waiting != backlog:
        yield (
            f"{counted(figures.waiting, 'bar')} wait with numbers {figures.waiting_first} to {figures.waiting_last}, "
            f"but the row says {backlog:,}: {span[0]} to {span[1]}"
        )
    if figures.done_last is not None and figures.done_last > figures.cursor:
        yield f"number {figures.done_last} is finished, but the cursor is at {figures.cursor}"
    if figures.done_first is not None and figures.done_first < 1:
        yield f"number {figures.done_first} was never given out"
    if figures.missing < 0 or (figures.missing > 0 and not forgets):
        yield (
            f"{figures.last_sequence:,} numbers were given out, but {counted(figures.bars, 'bar')} are stored and "
            f"{figures.renumbered:,} got another number: {figures.missing:,} are missing"
        )
    if figures.bars_processed < figures.processed or (figures.bars_processed > figures.processed and not forgets):
        yield f"the row counts {counted(figures.bars_processed, 'bar')} as processed, but {figures.processed:,} are"
