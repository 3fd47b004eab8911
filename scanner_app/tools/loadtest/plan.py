"""Which bar is due when, as arithmetic: no clock, no I/O."""

import math
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

TIMEFRAME = "1s"

_STEP = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The bars of one run: number i is bar i // symbols of symbol i % symbols, so all symbols get equally many.

    A symbol's bars are a second apart and end before `now`, at any rate. (Bars of the current seconds could not come
    faster than one a second.)
    """

    run: str  # part of the tickers, so that they are new
    symbols: int
    rate: float  # bars a second, of all symbols together
    seconds: float
    now: datetime  # aware; when the run begins
    burst: bool = False  # the bars of all symbols at one moment each round, instead of spread over it

    @property
    def total(self) -> int:
        """Bars of the whole run."""
        return round(self.rate * self.seconds)

    @cached_property
    def tickers(self) -> list[str]:
        """The symbols that get at least one bar, in their order."""
        digits = max(2, len(str(self.symbols)))
        return [f"LT{self.run}-{number:0{digits}d}" for number in range(1, min(self.symbols, self.total) + 1)]

    def due_at(self, index: int) -> float:
        """Seconds from the beginning at which a bar is to be posted."""
        return index // self._group * self._group / self.rate

    def due_by(self, elapsed_s: float) -> int:
        """How many bars are to be posted once this time has passed."""
        # 1e-6 more, since index / rate * rate may be slightly less than index.
        groups = math.floor(elapsed_s * self.rate / self._group + 1e-6) + 1
        return min(self.total, groups * self._group)

    def ticker(self, index: int) -> str:
        """The symbol of a bar."""
        return self.tickers[index % self.symbols]

    def timestamp(self, index: int) -> datetime:
        """When a bar opens: ascending within a symbol, and in the past."""
        rounds = -(-self.total // self.symbols)
        return self.now.replace(microsecond=0) - (rounds - index // self.symbols) * _STEP

    def bar(self, index: int) -> dict[str, object]:
        """A bar as it is posted. Prices vary, so that the detectors find patterns."""
        ticker, place = self.ticker(index), index // self.symbols
        open_, close = _price(ticker, place - 1), _price(ticker, place)
        wick = 0.5 * _noise(ticker, place, "wick")
        return {
            "symbol": ticker,
            "timeframe": TIMEFRAME,
            "timestamp": self.timestamp(index).isoformat().replace("+00:00", "Z"),
            "open": open_,
            "high": round(max(open_, close) + wick, 2),
            "low": round(min(open_, close) - (0.5 - wick), 2),
            "close": close,
            "volume": 1_000 + int(9_000 * _noise(ticker, place, "volume")),
            "closed": True,  # whatever the scanner's clock says, which may be another host's
        }

    @property
    def _group(self) -> int:
        return self.symbols if self.burst else 1


def _price(ticker: str, place: int) -> float:
    phase = 6 * _noise(ticker, 0, "phase")
    waves = 8 * math.sin(place / 17 + phase) + 3 * math.sin(place / 5 + 2 * phase)
    return round(100 + waves + _noise(ticker, place, "price"), 2)


def _noise(*parts: object) -> float:
    """A number from 0 to 1 that looks random, but is always the same for the same parts."""
    return zlib.crc32(repr(parts).encode()) / 2**32
