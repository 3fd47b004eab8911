"""A bar at the venue (Binance says kline), and how Binance writes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERVALS: Final[dict[str, int]] = {
    "1s": 1_000,
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
}
"""Binance's intervals up to a day and their lengths in ms. (Those of 3d, 1w and 1M are not played here.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kline:
    """The values of one bar. Times are in ms since 1970, UTC."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def opening(moment_ms: int, interval: str) -> int:
    """When the bar that contains this moment opens, in ms."""
    return moment_ms - moment_ms % INTERVALS[interval]


def openings(interval: str, first_ms: int, last_ms: int) -> Iterator[int]:
    """The openings from `first_ms` to `last_ms`, both inclusive, oldest first."""
    length_ms = INTERVALS[interval]
    return iter(range(-(-first_ms // length_ms) * length_ms, last_ms + 1, length_ms))


def forming(final: Kline, part: float) -> Kline:
    """The bar when `part` (0 to 1) of its period is over: from the open over one extreme and the other to the close.

    A bar that ends higher goes to its low first.
    """
    turns = (final.low, final.high) if final.close >= final.open else (final.high, final.low)
    path = (final.open, *turns, final.close)
    leg, on_leg = divmod(min(max(part, 0.0), 1.0) * 3, 1.0)
    seen = path[: int(leg) + 1]
    price = path[-1] if leg >= 3 else seen[-1] + (path[int(leg) + 1] - seen[-1]) * on_leg
    return replace(
        final,
        high=max(*seen, price),
        low=min(*seen, price),
        close=price,
        volume=final.volume * min(max(part, 0.0), 1.0),
    )


def mistaken(final: Kline) -> Kline:
    """Other values for the same bar, as a venue may have sent before it corrected itself. Never those of `final`."""
    middle = (final.high + final.low) / 2
    return replace(final, close=middle if middle != final.close else final.high, volume=final.volume * 0.9 + 1)


def as_row(kline: Kline, interval: str) -> list[object]:
    """The bar in the answer to `GET /api/v3/klines`."""
    return [
        kline.open_ms,
        _text(kline.open),
        _text(kline.high),
        _text(kline.low),
        _text(kline.close),
        _text(kline.volume),
        kline.open_ms + INTERVALS[interval] - 1,
        _text(kline.volume * kline.close),
        _trades(kline),
        _text(kline.volume / 2),
        _text(kline.volume * kline.close / 2),
        "0",
    ]


def as_event(kline: Kline, symbol: str, interval: str, *, closed: bool, now_ms: int) -> dict[str, object]:
    """The bar as an event of the stream `<symbol>@kline_<interval>`."""
    return {
        "e": "kline",
        "E": now_ms,
        "s": symbol,
        "k": {
            "t": kline.open_ms,
            "T": kline.open_ms + INTERVALS[interval] - 1,
            "s": symbol,
            "i": interval,
            "f": 1,
            "L": _trades(kline),
            "o": _text(kline.open),
            "c": _text(kline.close),
            "h": _text(kline.high),
            "l": _text(kline.low),
            "v": _text(kline.volume),
            "n": _trades(kline),
            "x": closed,
            "q": _text(kline.volume * kline.close),
            "V": _text(kline.volume / 2),
            "Q": _text(kline.volume * kline.close / 2),
            "B": "0",
        },
    }


def stream_name(symbol: str, interval: str) -> str:
    """The stream of a series. Symbols are in lower case there, and nowhere else."""
    return f"{symbol.lower()}@kline_{interval}"


def _text(value: float) -> str:
    return f"{value:.8f}"


def _trades(kline: Kline) -> int:
    return int(kline.volume > 0) * (1 + int(kline.volume) % 1000)
