"""What became of the bars that the scanner reported as accepted. Pure: values in, an account out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import inf

DONE = {"processed", "quarantined", "discarded"}

Key = tuple[str, int]
"""A bar: its symbol and its number, which is also its minute and its volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What a client recorded about one bar, in the order in which the bars were sent."""

    symbol: str
    number: int
    accepted: bool  # False: no answer, so it may have been accepted or not


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRow:
    """A bar as it is stored after the run."""

    symbol: str
    number: int
    sequence: int
    status: str
    accepted_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A signal of the run's detector; `before` is the number of the bar that it saw before its own."""

    symbol: str
    number: int
    before: int


@dataclass(slots=True)
class Account:
    """The bars by what went wrong with them. It balances if nothing did."""

    accepted: int = 0  # by the answers to the clients
    unanswered: int = 0
    processed: int = 0
    quarantined: int = 0
    lost: list[Key] = field(default_factory=list)  # accepted, and unknown to the scanner
    stuck: list[Key] = field(default_factory=list)  # stored, and not finished
    doubled: list[Key] = field(default_factory=list)  # two signals, or the symbol counts more bars than it has
    unseen: list[Key] = field(default_factory=list)  # processed without its signal
    out_of_order: list[Key] = field(default_factory=list)  # numbered, finished or seen before an earlier one
    invented: list[Key] = field(default_factory=list)  # nobody sent it

    @property
    def balances(self) -> bool:
        """Whether every bar was done once, in order."""
        return not any((self.lost, self.stuck, self.doubled, self.unseen, self.out_of_order, self.invented))


def evaluate(
    logged: Iterable[Logged], bars: Iterable[BarRow], signals: Iterable[SignalRow], counted: Mapping[str, int]
) -> Account:
    """Compare what the clients recorded with what is stored; `counted` is bars_processed by symbol."""
    account = Account()
    sent: dict[Key, bool] = {}
    for entry in logged:
        key = (entry.symbol, entry.number)
        sent[key] = sent.get(key, False) or entry.accepted
    account.accepted = sum(sent.values())
    account.unanswered = len(sent) - account.accepted
    by_symbol: dict[str, list[BarRow]] = defaultdict(list)
    known: set[Key] = set()
    for bar in bars:
        by_symbol[bar.symbol].append(bar)
        known.add((bar.symbol, bar.number))
    account.lost = [key for key, accepted in sent.items() if accepted and key not in known]
    account.invented = sorted(known - set(sent))
    seen: dict[Key, list[int]] = defaultdict(list)
    for signal in signals:
        seen[signal.symbol, signal.number].append(signal.before)
    order = {key: place for place, (key, accepted) in enumerate(sent.items()) if accepted}
    for symbol, rows in by_symbol.items():
        _check_symbol(account, sorted(rows, key=lambda row: row.sequence), seen, order)
        # bars_processed was read before the bars: a symbol that still processes bars has more of them by then.
        if (surplus := counted.get(symbol, 0) - sum(row.status == "processed" for row in rows)) > 0:
            account.doubled.append((symbol, surplus))
    return account


def _check_symbol(
    account: Account, rows: list[BarRow], seen: Mapping[Key, list[int]], order: Mapping[Key, int]
) -> None:
    """Go through one symbol's bars in their order of acceptance."""
    for place, row in enumerate(rows, start=1):
        if row.sequence != place:
            account.out_of_order.append((row.symbol, row.number))
    answered = [row for row in rows if (row.symbol, row.number) in order]
    for earlier, later in pairwise(answered):
        if order[earlier.symbol, earlier.number] > order[later.symbol, later.number]:
            account.out_of_order.append((later.symbol, later.number))
    finished: datetime | None = None
    processed: list[int] = []
    for row in rows:
        key = (row.symbol, row.number)
        account.processed += row.status == "processed"
        account.quarantined += row.status == "quarantined"
        if row.status not in DONE or row.finished_at is None:
            account.stuck.append(key)
            continue
        if finished is not None and row.finished_at < finished:
            account.out_of_order.append(key)
        finished = row.finished_at
        if row.status != "processed":
            continue
        _check_signals(account, key, seen.get(key, []), processed)
        processed.append(row.number)


def _check_signals(account: Account, key: Key, before: list[int], processed: list[int]) -> None:
    """Check that the bar has one signal, and that its detector saw the newest bar processed before this one."""
    if len(before) > 1:
        account.doubled.append(key)
    if not before:
        account.unseen.append(key)
    # A bar without an answer may have come late: then it saw the newest of the bars before its own time.
    elif before[0] != max((number for number in processed if number < key[1]), default=0):
        account.out_of_order.append(key)


def longest_stall(bars: Iterable[BarRow], quiet: list[tuple[float, float]], began_at: float) -> float | None:
    """The longest time (s) from acceptance to completion of an undisturbed bar; None without any.

    Undisturbed: accepted in a quiet time, when no bar that its symbol had accepted before that time was waiting any
    more. If the bar was not finished when the quiet time ended, the time until then counts.
    `quiet` is in seconds after `began_at` (unix s).
    """
    by_symbol: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for bar in bars:
        done_s = inf if bar.finished_at is None else bar.finished_at.timestamp() - began_at
        by_symbol[bar.symbol].append((bar.accepted_at.timestamp() - began_at, done_s))
    stalls = [
        min(done_s, end) - accepted_s
        for lives in by_symbol.values()
        for begin, end in quiet
        for accepted_s, done_s in _accepted_between(lives, begin, end)
    ]
    return max(stalls, default=None)


def _accepted_between(lives: list[tuple[float, float]], begin: float, end: float) -> Iterator[tuple[float, float]]:
    """One symbol's (accepted, done) that begin in a quiet time, once all bars from before that time are done."""
    free_s = max([begin, *(done_s for accepted_s, done_s in lives if accepted_s < begin)])
    return ((accepted_s, done_s) for accepted_s, done_s in lives if free_s <= accepted_s < end)


def by_kind(account: Account) -> dict[str, int]:
    """The numbers of an account."""
    names = ("lost", "stuck", "doubled", "unseen", "out_of_order", "invented")
    counts = Counter({name: len(getattr(account, name)) for name in names})
    return {
        "accepted": account.accepted,
        "unanswered": account.unanswered,
        "processed": account.processed,
        "quarantined": account.quarantined,
        **counts,
    }
