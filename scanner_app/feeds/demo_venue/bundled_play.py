"""The script of the demo: the bundled real series, played as one-minute bars that come now.

What is played at a minute depends on the minute alone: after a restart the past is what it was, so a feed finds the
bars again that it has. A series is played to its end and then backwards, so that its price never jumps. The symbols
have names as at Binance: AAPL is AAPLUSDT. Faults come in a round of a quarter of an hour, see
docs/live-demo.md.
"""

from __future__ import annotations

from itertools import count, takewhile
from typing import TYPE_CHECKING, Final

from scanner_app.feeds.bundled import Series, load_series
from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.klines import INTERVALS, Kline
from scanner_app.feeds.demo_venue.names import INTERVAL, SYMBOLS
from scanner_app.feeds.demo_venue.script import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE_MS: Final = INTERVALS[INTERVAL]

FIRST_MS: Final = 1_577_836_800_000
"""2020-01-01: the venue knows no older bars."""

ROUND_MS: Final = 15 * MINUTE_MS
"""The faults begin again after so long."""


def name_of(ticker: str) -> str:
    """The venue's name of a bundled symbol: letters and digits, and the currency."""
    plain = "".join(letter for letter in ticker.rpartition(":")[2] if letter.isalnum())
    return plain.removesuffix("USD") + "USDT"


class Bundled:
    """The bundled series as one-minute bars."""

    def __init__(self, series: Sequence[Series]) -> None:
        self._series = {(name_of(each.symbol), INTERVAL): each for each in series}

    @property
    def series(self) -> list[tuple[str, str]]:
        """See Truth."""
        return list(self._series)

    @property
    def first_ms(self) -> int:
        """See Truth."""
        return FIRST_MS

    def kline(self, symbol: str, interval: str, open_ms: int) -> Kline | None:
        """See Truth."""
        series = self._series.get((symbol, interval))
        if series is None or open_ms < FIRST_MS:
            return None
        step = open_ms // MINUTE_MS % (2 * len(series))
        backwards = step >= len(series)
        row = 2 * len(series) - 1 - step if backwards else step
        first, last = float(series.open[row]), float(series.close[row])
        return Kline(
            open_ms=open_ms,
            open=last if backwards else first,
            high=float(series.high[row]),
            low=float(series.low[row]),
            close=first if backwards else last,
            volume=float(series.volume[row]),
        )


def faults_of(symbols: Sequence[str], first_ms: int, last_ms: int) -> list[Fault]:
    """The faults that touch a span, of all rounds. Which symbols they meet changes from round to round."""
    rounds = takewhile(lambda number: number * ROUND_MS <= last_ms, count(first_ms // ROUND_MS))
    found = [fault for number in rounds for fault in _round(symbols, number)]
    return [each for each in found if each.first_ms <= last_ms and max(each.until_ms - 1, each.first_ms) >= first_ms]


def _round(symbols: Sequence[str], number: int) -> list[Fault]:
    """The faults of one round; its last minute is free of them, so that all holes can be refilled."""

    def at(minute: float) -> int:
        return int(number * ROUND_MS + minute * MINUTE_MS)

    def pick(shift: int) -> str:
        return symbols[(number * 7 + shift) % len(symbols)]

    faults = [
        Fault(kind=FaultKind.SKIP, first_ms=at(2), until_ms=at(4), symbol=pick(0)),
        Fault(kind=FaultKind.DROP, first_ms=at(4.5)),
        Fault(kind=FaultKind.REFUSE, first_ms=at(4.5), until_ms=at(4.5) + 20_000),
        Fault(kind=FaultKind.DEAF if number % 2 else FaultKind.MUTE, first_ms=at(6.2), until_ms=at(8.2)),
        Fault(kind=FaultKind.CORRECT, first_ms=at(10), until_ms=at(11), symbol=pick(3), delay_s=5),
        Fault(kind=FaultKind.FAIL, first_ms=at(13), until_ms=at(13.5), status=429, retry_after_s=30),
        Fault(kind=FaultKind.LAG, first_ms=at(13.5), until_ms=at(14), delay_s=90),
    ]
    if number % 4 == 0:
        faults.append(Fault(kind=FaultKind.HALT, first_ms=at(11), until_ms=at(13), symbol=pick(5)))
    return faults


def script() -> Script:
    """The script of the demo."""
    return Script(Bundled(load_series()), lambda first_ms, last_ms: faults_of(SYMBOLS, first_ms, last_ms))
