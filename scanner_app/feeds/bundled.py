"""The bundled real price series, read from the one file that ships with the scanner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from scanner_app.domain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """The bars of one symbol and timeframe as arrays of one length, oldest first.

    `timestamps` (datetime64[us], UTC) are the bars' openings; a daily bar has midnight UTC of its trading day.
    `volume` is in the source's unit: shares, or turnover in money (data/SOURCES.md).
    """

    symbol: str
    timeframe: str
    timestamps: npt.NDArray[np.datetime64]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.timestamps)


MARKETS = {"PSE:": "XPHS", "005930": "XKRX", "EURUSD": "24/5"}
"""Trading calendars of the bundled symbols that are not New York shares, by the beginning of their tickers."""


def market_of(symbol: str) -> str:
    """The trading calendar of a bundled symbol; "" if it has the one that the settings choose."""
    return next((calendar for beginning, calendar in MARKETS.items() if symbol.startswith(beginning)), "")


def too_old(series: Sequence[Series], oldest: datetime | None, *, days: int) -> str:
    """A sentence on how many bundled bars are older than `oldest`, so that ingest refuses them; empty if none is."""
    if oldest is None:
        return ""
    edge = np.datetime64(oldest.astimezone(UTC).replace(tzinfo=None), "us")
    refused, whole = sum(int((each.timestamps < edge).sum()) for each in series), sum(map(len, series))
    kept = f"older than SCANNER_KEEP_BARS_DAYS={days} keeps"
    if refused == whole:
        return f"The demo has nothing to show: all {counted(whole, 'bundled bar')} are {kept}; 0 keeps all."
    return f"{refused:,} of {counted(whole, 'bundled bar')} are {kept}, and are not taken." if refused else ""


def load_series() -> list[Series]:
    """Return all bundled series, ordered by symbol. Reads about 1 MB, in milliseconds."""
    source = pa.BufferReader(files("scanner_app.data").joinpath("bars.parquet").read_bytes())
    table = pq.read_table(source).combine_chunks()
    symbols = table["symbol"].chunk(0)
    numbers = symbols.indices.to_numpy()
    # The file is ordered by symbol, so a series is one slice between two changes of symbol.
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    timeframes = table["timeframe"]
    columns: dict[str, npt.NDArray[Any]] = {
        name: table[name].to_numpy() for name in ("open", "high", "low", "close", "volume")
    }
    columns["timestamps"] = table["timestamp"].to_numpy().astype("datetime64[us]")
    return [
        Series(
            symbol=symbols[start].as_py(),
            timeframe=timeframes[start].as_py(),
            **{name: values[start:end] for name, values in columns.items()},
        )
        for start, end in pairwise(edges)
    ]
