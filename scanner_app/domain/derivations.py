"""Which timeframes are made from which: the value of SCANNER_DERIVE, understood and checked.

`1m=5m,15m,1h,1d`, and more such entries after semicolons for symbols whose smallest timeframe is another one.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from scanner_app.domain.feed_entries import BRINGS, FeedEntry
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name

LONGEST = TIMEFRAMES["1d"]
"""Weeks and months are not made: their bars differ too much from vendor to vendor."""

KEPT = 2
"""So many of its lengths must a derived bar's base be kept: it is made after its period, perhaps after a pause."""

Derivations = Mapping[str, tuple[str, ...]]
"""By base, the timeframes that are made from it, shortest first."""


def read(text: str) -> Derivations:
    """The derivations that the text asks for; empty for an empty text. Raises ValueError for any other."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        base_text, equals, targets_text = entry.partition("=")
        targets = [part.strip() for part in targets_text.split(",") if part.strip()]
        if not equals or not targets:
            raise ValueError(f"must be BASE=TIMEFRAME,…, for example 1m=5m,15m,1h,1d; {entry!r} is not")
        base = _timeframe(base_text.strip())
        if base in found:
            raise ValueError(f"{base} is named twice as a base: put all of its timeframes behind one {base}=")
        named = {_timeframe(target) for target in targets}
        for target in named:
            _check(base, target)
        found[base] = tuple(sorted(named, key=TIMEFRAMES.__getitem__))
    return found


def of_entry(entry: FeedEntry, brought: Collection[str]) -> Derivations:
    """What of a feed's timeframes is made from the shortest one that its venue brings; empty: nothing can be."""
    bases = [timeframe for timeframe in entry.timeframes if timeframe in brought]
    if not bases:
        return {}
    base = min(bases, key=TIMEFRAMES.__getitem__)
    made = [one for one in entry.timeframes if one not in brought and is_possible(base, one)]
    return {base: tuple(made)} if made else {}


def with_feeds(given: Derivations, entries: Sequence[FeedEntry]) -> Derivations:
    """With what feeds name beyond what their venues bring: `alpaca:AAPL@1m+1h` means `1m=1h` too."""
    found = {base: set(targets) for base, targets in given.items()}
    for entry in entries:
        if entry.venue in BRINGS:
            for base, targets in of_entry(entry, BRINGS[entry.venue]).items():
                found.setdefault(base, set()).update(targets)
    return {base: tuple(sorted(targets, key=TIMEFRAMES.__getitem__)) for base, targets in found.items()}


def is_possible(base: str, target: str) -> bool:
    """Whether bars of `target` can be made from those of `base`."""
    try:
        _check(base, target)
    except ValueError:
        return False
    return True


def needs(timeframe: str) -> timedelta:
    """For how long base bars must be kept at least, so that bars of this timeframe can be made from them."""
    return KEPT * TIMEFRAMES[timeframe]


def _timeframe(text: str) -> str:
    name = normal_name(text)
    if name is None:
        raise ValueError(f"{text!r} is no timeframe; there are {', '.join(TIMEFRAMES)}")
    return name


def _check(base: str, target: str) -> None:
    if TIMEFRAMES[target] > LONGEST:
        raise ValueError(f"{target} can't be made from {base}: 1d is the longest that is made")
    if TIMEFRAMES[target] <= TIMEFRAMES[base] or TIMEFRAMES[target] % TIMEFRAMES[base]:
        raise ValueError(f"{target} can't be made from {base}: it is no whole number of times as long")
