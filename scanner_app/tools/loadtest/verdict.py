"""Whether every accepted bar was processed once, in order, and fast enough. Pure: values in, verdict out."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Self

from scanner_app.domain.latency import percentile

P95_BELOW_MS = 200
"""Given by the requirements: from a bar's acceptance to the commit of its result."""

RATE_SHARE = 0.95
"""The share of the requested rate that must be reached. With less, the test did not test what was requested."""

MAX_NAMES = 3
"""Symbols that the sentence about a problem names."""

PARTS = 6
"""Parts of the run with a p95 each: a growing p95 means overload, a single high one a disturbance."""


class Fault(StrEnum):
    """What can be wrong with a bar; the value is its text in the report."""

    LOST = "lost: accepted, but not in the list of bars"
    UNFINISHED = "not processed in time"
    QUARANTINED = "in quarantine"
    DISCARDED = "discarded"
    DOUBLED = "doubled: stored or counted twice"
    UNASKED = "stored, but never accepted"
    UNCOUNTED = "processed, but not counted in the symbol's bars_processed"
    OUT_OF_ORDER = "out of order: older than the bar before, or finished earlier"
    GAP = "missing in the sequence 1, 2, 3, …"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One bar as the scanner reports it."""

    sequence: int
    timestamp: datetime
    status: str
    finished_at: datetime | None  # None while it is not done
    latency_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """What the scanner reports of one symbol: its status, and its bars, which were read after that."""

    rows: Sequence[Row]
    bars_processed: int
    backlog: int = 0  # not 0: its bars were not finished in time, and more may be finished than the status counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Figures over all processed bars, in ms; None without any."""

    p50: int | None
    p95: int | None
    p99: int | None
    max: int | None

    @classmethod
    def of(cls, latencies_ms: Sequence[int]) -> Self:
        """The figures of these."""
        p50, p95, p99 = (percentile(latencies_ms, percent) for percent in (50, 95, 99))
        return cls(p50=p50, p95=p95, p99=p99, max=max(latencies_ms, default=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the bars that were read back show."""

    processed: int
    faults: Mapping[Fault, Mapping[str, int]]  # how many, by ticker; only where there are any
    latency: Latency
    first: Latency  # of the first bar of each symbol, which is new: a cold start; counted in `latency` too
    rounds: Latency  # of the last bar of each round: in a burst, how long until all of it was done
    worst_symbol: str | None  # the one with the highest p95
    worst_p95_ms: int | None
    p95_by_part: Sequence[int]  # ms, in the order of time; fewer parts than PARTS with fewer bars, none without

    def count(self, fault: Fault) -> int:
        """Bars with this fault, of all symbols."""
        return sum(self.faults.get(fault, {}).values())


def examine(
    accepted: Mapping[str, Collection[datetime]],
    unanswered: Mapping[str, Collection[datetime]],
    bars: Mapping[str, ReadBack],
) -> Findings:
    """Compare what was accepted with what was read back, symbol by symbol.

    Symbols that are not in `bars` are not judged. `unanswered` bars may be there or not: their sender got no answer.
    """
    found: dict[Fault, dict[str, int]] = {}
    latencies: dict[str, list[int]] = {}
    first: list[int] = []
    last_of_round: dict[datetime, int] = {}
    for ticker, read in bars.items():
        for fault, times in _faults(accepted.get(ticker, ()), unanswered.get(ticker, ()), read).items():
            if times:
                found.setdefault(fault, {})[ticker] = times
        timed = [(row, row.latency_ms) for row in read.rows if _done(row) and row.latency_ms is not None]
        latencies[ticker] = [latency for _, latency in timed]
        first += [latency for row, latency in timed if row.sequence == 1]
        for row, latency in timed:  # a round's bars have one timestamp
            last_of_round[row.timestamp] = max(latency, last_of_round.get(row.timestamp, 0))
    everything = [latency for each in latencies.values() for latency in each]
    p95s = [(p95, ticker) for ticker, each in latencies.items() if (p95 := percentile(each, 95)) is not None]
    worst_p95, worst = max(p95s, default=(None, None))
    return Findings(
        processed=sum(_done(row) for read in bars.values() for row in read.rows),
        faults=found,
        latency=Latency.of(everything),
        first=Latency.of(first),
        rounds=Latency.of(list(last_of_round.values())),
        worst_symbol=worst,
        worst_p95_ms=worst_p95,
        p95_by_part=_by_part(row for read in bars.values() for row in read.rows),
    )


def _faults(accepted: Collection[datetime], unanswered: Collection[datetime], read: ReadBack) -> Counter[Fault]:
    rows = sorted(read.rows, key=lambda row: row.sequence)
    stored = Counter(row.timestamp for row in rows)
    numbers = {row.sequence for row in rows}
    statuses = Counter(row.status for row in rows)
    done = statuses["processed"]
    return Counter(
        {
            Fault.LOST: len(set(accepted) - set(stored)),
            Fault.UNFINISHED: max(read.backlog, len(rows) - done - statuses["quarantined"] - statuses["discarded"]),
            Fault.QUARANTINED: statuses["quarantined"],
            Fault.DISCARDED: statuses["discarded"],
            Fault.DOUBLED: len(rows) - min(len(stored), len(numbers)) + max(0, read.bars_processed - done),
            Fault.UNASKED: len(set(stored) - set(accepted) - set(unanswered)),
            # A symbol that still processes bars has more of them when they are read than when they were counted.
            Fault.UNCOUNTED: 0 if read.backlog else max(0, done - read.bars_processed),
            Fault.OUT_OF_ORDER: _out_of_order(rows),
            Fault.GAP: len(set(range(1, max(numbers, default=0) + 1)) - numbers),
        }
    )


def _by_part(rows: Iterable[Row]) -> list[int]:
    """The p95 of each part of the run. Bars are posted in the order of their timestamps."""
    timed = sorted((row.timestamp, row.latency_ms) for row in rows if _done(row) and row.latency_ms is not None)
    size = -(-len(timed) // PARTS)
    parts = [timed[begin : begin + size] for begin in range(0, len(timed), size)] if timed else []
    return [p95 for part in parts if (p95 := percentile([latency for _, latency in part], 95)) is not None]


def _done(row: Row) -> bool:
    return row.status == "processed"


def _out_of_order(rows: Iterable[Row]) -> int:
    """Bars that are older than the one accepted before them, or were finished before it."""
    count = 0
    for before, row in pairwise(rows):
        # A bar that was finished while the one before it is not done has overtaken it.
        overtook = row.finished_at is not None and (before.finished_at is None or row.finished_at < before.finished_at)
        count += overtook or row.timestamp < before.timestamp
    return count


def problems(
    findings: Findings,
    *,
    accepted: int,
    rate: float,
    achieved: float,
    rejected: Mapping[str, int],
    conflicts: int = 0,
    unread: int = 0,
    trouble: Sequence[str] = (),
) -> list[str]:
    """Everything that makes the verdict bad, in sentences; empty if it is good.

    `rate` was requested and `achieved` reached, in bars a second; `rejected` counts by reason; `unread` counts symbols
    that were not read back; `trouble` has the problems that are known already.
    """
    sentences = list(trouble)
    sentences += [f"{_bars(count)} rejected as {reason}" for reason, count in sorted(rejected.items()) if count]
    if conflicts:
        sentences.append(f"{_bars(conflicts)} in conflict with others of the same time: the symbols were not fresh")
    if not accepted:
        sentences.append("no bar was accepted")
    for fault in Fault:
        if by_ticker := findings.faults.get(fault):
            sentences.append(f"{_bars(findings.count(fault))} {fault} ({_named(by_ticker)})")
    if unread:
        sentences.append(f"{unread:,} symbol{'s' * (unread != 1)} not read back")
    if (p95 := findings.latency.p95) is not None and p95 >= P95_BELOW_MS:
        sentences.append(f"p95 {p95:,} ms is not below {P95_BELOW_MS} ms")
    if achieved < RATE_SHARE * rate:
        sentences.append(f"only {achieved:.1f} bars/s of the asked {rate:g}, {RATE_SHARE:.0%} are needed")
    return sentences


def achieved_rate(accepted: int, *, elapsed_s: float, planned_s: float) -> float:
    """Accepted bars a second; 0 if no time has passed.

    The time is the one from the first POST to the last answer, but at least the planned one: the last bars of 60 s are
    due a little before 60 s have passed, which must not raise the rate.
    """
    took_s = max(elapsed_s, planned_s)
    return accepted / took_s if took_s else 0.0


def _bars(count: int) -> str:
    return f"{count:,} bar{'s' * (count != 1)}"


def _named(by_ticker: Mapping[str, int]) -> str:
    worst = sorted(by_ticker, key=lambda ticker: (-by_ticker[ticker], ticker))
    more = len(worst) - MAX_NAMES
    return ", ".join(worst[:MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")
