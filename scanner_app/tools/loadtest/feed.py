"""Run a plan against a scanner: post the bars as they come due, wait until they are done, read them back."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from scanner_app.tools.loadtest.client import Client, LoadTestError, Refused
from scanner_app.tools.loadtest.plan import Plan
from scanner_app.tools.loadtest.verdict import ReadBack, Row

TICK_S = 0.05
"""Least seconds between two POSTs: a live feed sends what has come in since the last one, not each bar separately."""

MAX_BATCH = 1_000
"""Most bars in one POST, even if the client is late: some 200 kB, far below Django's limit."""

DRAIN_S = 30.0
"""Seconds after the last POST in which the backlog must be processed."""

INTERRUPTED_DRAIN_S = 5.0
"""The same after Ctrl-C, when somebody waits for the prompt."""

POLL_S = 0.25
"""Seconds between two looks at the backlog."""

NO_FRESH_SYMBOLS = {"unknown_symbol", "too_many_symbols"}
"""Reasons of rejection that mean that the scanner accepts no new symbols, which the test needs."""


class Counts(NamedTuple):
    """A symbol's figures in the status."""

    bars_processed: int
    backlog: int


@dataclass(slots=True)
class Posting:
    """What was posted and answered so far. It is up to date at any moment."""

    accepted: dict[str, set[datetime]] = field(default_factory=dict)  # by ticker; duplicates after a retry included
    unanswered: dict[str, set[datetime]] = field(default_factory=dict)  # sent; whether they were accepted is unknown
    sent: int = 0  # answered or not
    duplicates: int = 0
    conflicts: int = 0
    rejected: Counter[str] = field(default_factory=Counter)  # by reason
    retries: int = 0
    posts_ms: list[int] = field(default_factory=list)  # from sending to the answer, retries included
    late_s: float = 0.0  # longest time from the moment at which a bar was due until it was sent
    elapsed_s: float = 0.0  # from the first post to the last answer
    gave_up: str = ""  # why the posting ended early; empty if it did not
    interrupted: bool = False

    @property
    def accepted_count(self) -> int:
        """Bars that the scanner has reported as accepted."""
        return sum(len(each) for each in self.accepted.values())


def post_all(
    plan: Plan,
    client: Client,
    posting: Posting,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    on_progress: Callable[[], object] = lambda: None,
) -> None:
    """Post the plan's bars, each when it is due. If the client is late, it sends the overdue bars in one POST.

    An error before any bar was accepted is raised, as a LoadTestError. A later one ends the posting: see `gave_up`.
    """
    began, tick_s = clock(), 0.0
    while posting.sent < plan.total:
        first, elapsed = posting.sent, clock() - began
        if (early := max(plan.due_at(first), tick_s) - elapsed) > 0:
            sleep(early)
            continue
        due = plan.due_by(elapsed)
        overdue = due - first > MAX_BATCH
        due = min(due, first + MAX_BATCH)
        posting.late_s = max(posting.late_s, elapsed - plan.due_at(first))
        try:
            _post(plan, client, posting, range(first, due))
        except LoadTestError as exc:
            if not posting.accepted:
                raise
            posting.gave_up = str(exc)
            return
        finally:
            posting.retries = client.retries
            posting.elapsed_s = clock() - began
        # At once if more bars are overdue than fit into one POST, otherwise at the next tick.
        tick_s = 0.0 if overdue else math.floor(posting.elapsed_s / TICK_S + 1) * TICK_S
        posting.posts_ms.append(round((posting.elapsed_s - elapsed) * 1000))
        on_progress()


def _post(plan: Plan, client: Client, posting: Posting, indexes: range) -> None:
    posting.sent += len(indexes)
    posting.unanswered = _by_ticker(plan, indexes)
    report = client.post_bars([plan.bar(index) for index in indexes])
    posting.unanswered = {}
    refused = {each["index"] for each in (*report["conflicts"], *report["rejected"])}
    posting.duplicates += report["duplicates"]
    posting.conflicts += len(report["conflicts"])
    posting.rejected.update(each["reason"] for each in report["rejected"])
    taken = [index for place, index in enumerate(indexes) if place not in refused]
    for ticker, timestamps in _by_ticker(plan, taken).items():
        posting.accepted.setdefault(ticker, set()).update(timestamps)
    for each in report["rejected"]:
        if each["reason"] in NO_FRESH_SYMBOLS:
            raise Refused(f"The load test needs new symbols, and the scanner accepts none: {each['message']}")


def _by_ticker(plan: Plan, indexes: range | list[int]) -> dict[str, set[datetime]]:
    bars: dict[str, set[datetime]] = {}
    for index in indexes:
        bars.setdefault(plan.ticker(index), set()).add(plan.timestamp(index))
    return bars


def drain(
    plan: Plan,
    client: Client,
    *,
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[float, dict[str, Counts]]:
    """Wait until the plan's symbols have no backlog, but not beyond the deadline.

    Returns how long that took, and the symbols' last figures by ticker.
    """
    began, wanted = clock(), set(plan.tickers)
    while True:
        ours = {
            each["symbol"]: Counts(each["bars_processed"], each["backlog"])
            for each in client.status()["symbols"]
            if each["symbol"] in wanted
        }
        took = clock() - began
        if not any(each.backlog for each in ours.values()) or took >= deadline_s:
            return took, ours
        sleep(POLL_S)


def read_back(tickers: list[str], client: Client, counts: dict[str, Counts]) -> Iterator[tuple[str, ReadBack]]:
    """What the scanner has stored of each symbol's bars."""
    for ticker in tickers:
        rows = [_row(raw) for raw in client.bars(ticker)]
        processed, backlog = counts.get(ticker, Counts(0, 0))
        yield ticker, ReadBack(rows=rows, bars_processed=processed, backlog=backlog)


def _row(raw: dict[str, object]) -> Row:
    finished_at, latency_ms = raw["finished_at"], raw["latency_ms"]
    return Row(
        sequence=int(str(raw["sequence"])),
        timestamp=datetime.fromisoformat(str(raw["timestamp"])),
        status=str(raw["status"]),
        finished_at=None if finished_at is None else datetime.fromisoformat(str(finished_at)),
        latency_ms=None if latency_ms is None else int(str(latency_ms)),
    )
