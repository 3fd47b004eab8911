"""The script that the venue plays: the bars that there are, and what stream and history say of them at a time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from scanner_app.feeds.demo_venue.faults import MOMENTS, Fault, FaultKind
from scanner_app.feeds.demo_venue.klines import INTERVALS, Kline, forming, mistaken, opening, openings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


MAX_DELAY_MS: Final = 600_000
"""The longest `delay_s` of a bar on the stream, in ms: a longer one is not looked for."""

_LATE: Final = frozenset({FaultKind.DELAY, FaultKind.CORRECT})


class Truth(Protocol):
    """The bars that there are, with their last values."""

    @property
    def series(self) -> Sequence[tuple[str, str]]:
        """The series that are traded: symbol (the venue's name, upper case) and interval."""

    @property
    def first_ms(self) -> int:
        """Nothing opens before, in ms."""

    def kline(self, symbol: str, interval: str, open_ms: int) -> Kline | None:
        """The bar that opens then, as it will be when it is closed; None if there is none."""


class Written:
    """Bars that are written down: for tests."""

    def __init__(self, series: Mapping[tuple[str, str], Sequence[Kline]]) -> None:
        """`series` by symbol and interval."""
        self._klines = {key: {kline.open_ms: kline for kline in klines} for key, klines in series.items()}

    @property
    def series(self) -> list[tuple[str, str]]:
        """See Truth."""
        return list(self._klines)

    @property
    def first_ms(self) -> int:
        """See Truth."""
        return min((open_ms for klines in self._klines.values() for open_ms in klines), default=0)

    def kline(self, symbol: str, interval: str, open_ms: int) -> Kline | None:
        """See Truth."""
        return self._klines.get((symbol, interval), {}).get(open_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One bar on the stream. Those of one moment are sent in the order of the series."""

    at_ms: int
    symbol: str
    interval: str
    kline: Kline
    closed: bool


class Script:
    """The truth, and what goes wrong."""

    def __init__(
        self,
        truth: Truth,
        faults: Sequence[Fault] | Callable[[int, int], Sequence[Fault]] = (),
        *,
        update_ms: int = 2_000,
    ) -> None:
        """`faults` are a list, or a function that gives those of a span (both ends inclusive, in ms).

        A bar that forms is sent each `update_ms`, as Binance does.
        """
        self.truth = truth
        self.update_ms = update_ms
        self._faults = faults

    def faults(self, first_ms: int, last_ms: int) -> list[Fault]:
        """The faults that touch a span, both ends inclusive."""
        if callable(self._faults):
            return list(self._faults(first_ms, last_ms))
        return [
            each
            for each in self._faults
            if each.first_ms <= last_ms and max(each.until_ms - 1, each.first_ms) >= first_ms
        ]

    def active(self, kind: FaultKind, moment_ms: int, symbol: str = "") -> Fault | None:
        """The fault of this kind that holds at a moment; None if there is none."""
        found = (each for each in self.faults(moment_ms, moment_ms) if each.kind is kind)
        return next((each for each in found if each.holds(moment_ms, symbol)), None)

    def moments(self, after_ms: int, upto_ms: int) -> list[Fault]:
        """The faults that happen after `after_ms` and not after `upto_ms`, oldest first."""
        found = (each for each in self.faults(after_ms, upto_ms) if each.kind in MOMENTS)
        return sorted((each for each in found if after_ms < each.first_ms <= upto_ms), key=lambda each: each.first_ms)

    def closed(self, symbol: str, interval: str, first_ms: int, now_ms: int) -> list[Kline]:
        """What a reader must have in the end: the bars that open from `first_ms` on and are closed now."""
        return list(self._known(symbol, interval, first_ms, now_ms - INTERVALS[interval], now_ms))

    def history(self, symbol: str, interval: str, first_ms: int, last_ms: int, now_ms: int) -> Iterator[Kline]:
        """What REST tells now of the bars that open from `first_ms` to `last_ms`. The last one may be forming."""
        if lag := self.active(FaultKind.LAG, now_ms):
            now_ms -= int(lag.delay_s * 1000)
        return self._known(symbol, interval, first_ms, min(last_ms, now_ms), now_ms)

    def messages(self, after_ms: int, upto_ms: int) -> list[Message]:
        """What the stream sends after `after_ms` and not after `upto_ms`, in order."""
        late = [each.delay_s for each in self.faults(after_ms - MAX_DELAY_MS, upto_ms) if each.kind in _LATE]
        since_ms = after_ms - int(max(late, default=0) * 1000)
        sent: list[Message] = []
        for symbol, interval in self.truth.series:
            first_ms = opening(since_ms, interval) - INTERVALS[interval]
            faults = self.faults(first_ms, upto_ms)
            for open_ms in openings(interval, first_ms, upto_ms):
                kinds = {each.kind: each for each in faults if each.holds(open_ms, symbol)}
                kline = self.truth.kline(symbol, interval, open_ms)
                if kline is not None and not kinds.keys() & {FaultKind.HALT, FaultKind.SKIP}:
                    sent += self._forming(symbol, interval, kline, after_ms, upto_ms)
                    sent += _closing(symbol, interval, kline, kinds)
        return sorted((each for each in sent if after_ms < each.at_ms <= upto_ms), key=lambda each: each.at_ms)

    def _forming(self, symbol: str, interval: str, kline: Kline, after_ms: int, upto_ms: int) -> Iterator[Message]:
        length_ms = INTERVALS[interval]
        first = max((after_ms - kline.open_ms) // self.update_ms, 1)
        for passed_ms in range(first * self.update_ms, min(upto_ms - kline.open_ms + 1, length_ms), self.update_ms):
            values = forming(kline, passed_ms / length_ms)
            yield Message(at_ms=kline.open_ms + passed_ms, symbol=symbol, interval=interval, kline=values, closed=False)

    def _known(self, symbol: str, interval: str, first_ms: int, last_ms: int, now_ms: int) -> Iterator[Kline]:
        length_ms = INTERVALS[interval]
        first_ms = max(first_ms, self.truth.first_ms)
        halts = [each for each in self.faults(first_ms, last_ms) if each.kind is FaultKind.HALT]
        for open_ms in openings(interval, first_ms, last_ms):
            kline = self.truth.kline(symbol, interval, open_ms)
            if kline is not None and not any(each.holds(open_ms, symbol) for each in halts):
                part = (now_ms - open_ms) / length_ms
                yield kline if part >= 1 else forming(kline, part)


def _closing(symbol: str, interval: str, kline: Kline, faults: Mapping[FaultKind, Fault]) -> Iterator[Message]:
    """The messages that say that a bar is closed: one, unless something goes wrong."""
    at_ms = kline.open_ms + INTERVALS[interval]
    if delay := faults.get(FaultKind.DELAY):
        at_ms += int(delay.delay_s * 1000)
    wrong = faults.keys() & {FaultKind.REVISE, FaultKind.CORRECT}
    message = Message(
        at_ms=at_ms, symbol=symbol, interval=interval, kline=mistaken(kline) if wrong else kline, closed=True
    )
    yield message
    if FaultKind.DUPLICATE in faults:
        yield message
    if correction := faults.get(FaultKind.CORRECT):
        yield replace(message, kline=kline, at_ms=at_ms + int(correction.delay_s * 1000))
