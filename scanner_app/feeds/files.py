"""Bars out of anyone's CSV or Parquet file, line by line, as the raw bars that ingest takes.

Reads with little memory, whatever the file's size. What a cell means is settled here (names of
columns, forms of time); whether it makes a bar is ingest's business: a cell that cannot be read is
handed on as its text, so that the bar is rejected by the name of the field and the line.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

PRICES: Final = ("open", "high", "low", "close", "volume")

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "timestamp": (
        "timestamp", "datetime", "date time", "date", "time", "ts", "t", "open time", "unix", "epoch",
    ),
    "open": ("open", "o", "open price"),
    "high": ("high", "h", "high price"),
    "low": ("low", "l", "low price"),
    "close": ("close", "c", "close price"),
    "volume": ("volume", "vol", "v", "tickvol", "tick volume"),
    "symbol": ("symbol", "ticker", "instrument"),
    "timeframe": ("timeframe", "per", "period", "interval"),
}  # fmt: skip
"""The names a bar's field may have in a header, compared without case, `<>`, `_` and `-`.

If a header has several of them, the one named first here counts. "Adj Close" is no name of the
close on purpose: it does not fit the other, unadjusted prices of its line.
"""

TIMEFRAMES: Final[dict[str, str]] = {
    "D": "1d", "d": "1d", "daily": "1d", "D1": "1d", "W": "1w", "w": "1w", "weekly": "1w", "W1": "1w",
    "M": "1M", "monthly": "1M", "MN1": "1M", "1": "1m", "M1": "1m", "5": "5m", "M5": "5m", "15": "15m",
    "M15": "15m", "30": "30m", "M30": "30m", "60": "1h", "H1": "1h", "240": "4h", "H4": "4h",
    "1D": "1d", "1W": "1w", "1H": "1h", "4H": "4h",
}  # fmt: skip
"""What Stooq, MetaTrader and others write in a column of timeframes. `m` is minutes, `M` months."""

BATCH_ROWS: Final = 2_000
"""Rows of a Parquet file in memory at a time: a fraction of a megabyte."""


class FeedError(ValueError):
    """A file that cannot be read as bars. The message names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """An opened file of bars, to be read once.

    `items` are its bars, each with its line: in a CSV the line of the file (the header is line 1),
    in Parquet the row (the first is 1). `share` says how much of the file has been read, 0 to 1.
    """

    name: str
    items: Iterator[tuple[int, dict[str, object]]]
    share: Callable[[], float]


def open_feed(path: Path, *, symbol: str | None = None, timeframe: str | None = None) -> Feed:
    """Open a file and check its header; the bars are read as `items` is walked.

    A `symbol` or `timeframe` given here counts for all bars, whatever the file says. Without them
    the file's columns count, and without those its name (up to the suffix) and `1d`.

    Raises FeedError if the file cannot be read or lacks a column; walking `items` raises it if
    the file turns out to be damaged further on.
    """
    lower = path.name.lower()
    suffix = next((end for end in (".csv", ".csv.gz", ".parquet", ".pq") if lower.endswith(end)), None)
    if suffix is None:
        raise FeedError(f"{path}: unknown suffix; a file of bars is .csv, .csv.gz or .parquet")
    fixed = {"symbol": symbol, "timeframe": timeframe}
    default = {"symbol": path.name[: -len(suffix)], "timeframe": "1d"}
    try:
        if suffix in {".parquet", ".pq"}:
            return _open_parquet(path, fixed, default)
        return _open_csv(path, fixed, default, packed=suffix == ".csv.gz")
    except FileNotFoundError:
        raise FeedError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError, pa.ArrowException) as exc:
        raise FeedError(f"{path}: cannot be read: {exc}") from exc


# --- Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Which column of a file holds which field of a bar, and what stands in for missing ones."""

    places: dict[str, int]  # field -> place in the row
    time: int | None  # the column to join to that of the timestamp: a date and a time of day
    constants: dict[str, object]

    def bar(self, row: Sequence[object]) -> dict[str, object]:
        """Return the raw bar of one row. A row that is too short has empty cells at its end."""
        cells = {field: row[place] if place < len(row) else "" for field, place in self.places.items()}
        moment = cells["timestamp"]
        if self.time is not None:
            moment = _joined(moment, row[self.time] if self.time < len(row) else "")
        bar = self.constants | {field: read_number(cells[field]) for field in PRICES}
        bar["timestamp"] = read_time(moment)
        for field in cells.keys() & {"symbol", "timeframe"}:
            cell = cells[field]
            word = "" if cell is None else str(cell).strip()
            bar[field] = TIMEFRAMES.get(word, word) if field == "timeframe" else word
        return bar


def _columns(
    path: Path, header: Sequence[str], fixed: Mapping[str, str | None], default: Mapping[str, str]
) -> _Columns:
    """Find the bars' fields in a header. Raises FeedError naming the missing ones."""
    names = [re.sub(r"[_\-\s]+", " ", name.strip().strip("<>")).strip().lower() for name in header]
    places: dict[str, int] = {}
    for field, aliases in ALIASES.items():
        found = next((alias for alias in aliases if alias in names), None)
        if found is not None and fixed.get(field) is None:
            places[field] = names.index(found)
    missing = [field for field in ("timestamp", *PRICES) if field not in places]
    if missing:
        wanted = "; ".join(f"{field} (or {', '.join(ALIASES[field][1:])})" for field in missing)
        found = ", ".join(header) or "nothing"
        raise FeedError(f"{path}: no column for {wanted}. Columns found: {found}")
    time = names.index("time") if names[places["timestamp"]] == "date" and "time" in names else None
    constants: dict[str, object] = {}
    for field, stand_in in default.items():
        if field not in places:
            given = fixed[field]
            constants[field] = stand_in if given is None else given
    return _Columns(places=places, time=time, constants=constants)


# --- Cells


def read_number(cell: object) -> object:
    """Return the number in a cell as a float, or the cell itself if it holds none."""
    if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool):
        return float(cell)
    # float() also takes 1_000, which no file of prices means.
    if isinstance(cell, str) and "_" not in cell:
        try:
            return float(cell)
        except ValueError:
            pass
    return cell


def read_time(cell: object) -> object:
    """Return the moment in a cell as an aware datetime in UTC, or the cell itself if unclear.

    Read are ISO 8601 (also with a space, `/` or `.` between its parts), YYYYMMDD, YYYYMMDDHHMM and
    YYYYMMDDHHMMSS, and Unix times from 1973 on, in seconds, milli- or microseconds by their size.
    Times without a zone are UTC. Forms like 1/2/2020, of which half the world reads the other day,
    are not read.
    """
    if isinstance(cell, datetime):
        moment: datetime | None = cell
    elif isinstance(cell, date):
        moment = datetime.combine(cell, time_of_day())
    else:
        moment = _moment(str(cell).strip())
    if moment is None:
        return cell
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # year 1 east of Greenwich
        return cell


_NUMBER = re.compile(r"(\d+)(?:\.\d*)?", re.ASCII)
_DATE_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s]\s*(.+))?", re.ASCII | re.IGNORECASE)
_CALENDAR = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(text: str) -> datetime | None:
    """Return the moment written in a text, aware or naive; None if it is in no form we read."""
    try:
        if number := _NUMBER.fullmatch(text):
            return _number_moment(text, digits=len(number[1]))
        if parts := _DATE_FIRST.fullmatch(text):
            year, month, day, rest = parts.groups()
            text = f"{year}-{month:0>2}-{day:0>2}"
            if rest:
                rest = re.sub(r"\s*(z|utc|gmt)$", "+00:00", rest, flags=re.IGNORECASE)
                # 9:30 is 09:30.
                text += f"T0{rest}" if rest[1:2] == ":" else f"T{rest}"
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None


def _number_moment(text: str, *, digits: int) -> datetime | None:
    """Return the moment that a bare number means: calendar digits, or a Unix time by its size."""
    # Twelve digits that begin with 19 or 20 could also be milliseconds in 1976: no matter.
    if digits == len(text) and digits in _CALENDAR and (digits != 12 or text[:2] in {"19", "20"}):
        return datetime.strptime(text, _CALENDAR[digits]).replace(tzinfo=UTC)
    if digits < 9 or digits > 16:
        return None  # an index, a spreadsheet's day number, nanoseconds: not to be guessed
    microseconds = {9: 1_000_000, 10: 1_000_000, 11: 1_000_000, 12: 1_000, 13: 1_000}.get(digits, 1)
    return _EPOCH + timedelta(microseconds=int(Decimal(text) * microseconds))


def _joined(day: object, time: object) -> object:
    """Return date and time of day, from two columns, as one text. An empty time is no time."""
    if isinstance(day, datetime):
        day = day.date()
    parts = [part.isoformat() if isinstance(part, (date, time_of_day)) else str(part) for part in (day, time)]
    if re.fullmatch(r"\d{5,6}", parts[1].strip(), re.ASCII):
        parts[1] = f"{parts[1].strip():0>6}"  # 93000 is 9:30:00
    return " ".join(part.strip() for part in parts).strip()


# --- Files


def _open_csv(path: Path, fixed: Mapping[str, str | None], default: Mapping[str, str], *, packed: bool) -> Feed:
    """Open a CSV whose cells are parted by commas, semicolons or tabs, as its header shows."""
    file = path.open("rb")
    try:
        size = path.stat().st_size
        plain = gzip.GzipFile(fileobj=file) if packed else file
        lines = io.TextIOWrapper(cast("IO[bytes]", plain), encoding="utf-8-sig", newline="")
        first = next((line for line in lines if line.strip()), None)
        if first is None:
            raise FeedError(f"{path}: is empty")
        delimiter = max(",;\t", key=first.count)
        header = next(csv.reader([first], delimiter=delimiter, skipinitialspace=True))
        columns = _columns(path, header, fixed, default)
        # Counted from the top again, so that line numbers are the file's.
        lines.seek(0)
    except BaseException:
        file.close()
        raise
    items = _csv_items(path, file, lines, delimiter, columns)
    return Feed(name=str(path), items=items, share=lambda: 1.0 if file.closed else file.tell() / size)


def _csv_items(
    path: Path, file: IO[bytes], lines: io.TextIOWrapper, delimiter: str, columns: _Columns
) -> Iterator[tuple[int, dict[str, object]]]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    with file, lines:  # closing a GzipFile leaves the file below it open
        try:
            rows = (row for row in reader if any(cell.strip() for cell in row))
            next(rows)  # the header
            for row in rows:
                yield reader.line_num, columns.bar(row)
        except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as exc:
            raise FeedError(f"{path}: cannot be read beyond line {reader.line_num}: {exc}") from exc


def _open_parquet(path: Path, fixed: Mapping[str, str | None], default: Mapping[str, str]) -> Feed:
    """Open a Parquet file with a flat column for each field."""
    if not path.stat().st_size:
        raise FeedError(f"{path}: is empty")
    file = pq.ParquetFile(path)
    try:
        columns = _columns(path, file.schema_arrow.names, fixed, default)
    except BaseException:
        file.close()
        raise
    rows = file.metadata.num_rows
    done = [0]
    items = _parquet_items(path, file, columns, done)
    return Feed(name=str(path), items=items, share=lambda: done[0] / rows if rows else 1.0)


def _parquet_items(
    path: Path, file: pq.ParquetFile, columns: _Columns, done: list[int]
) -> Iterator[tuple[int, dict[str, object]]]:
    with file:
        try:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for row in zip(*(_cells(column) for column in batch.columns), strict=True):
                    done[0] += 1
                    yield done[0], columns.bar(row)
        except (OSError, pa.ArrowException) as exc:
            raise FeedError(f"{path}: cannot be read beyond row {done[0]}: {exc}") from exc


def _cells(column: pa.Array) -> list[object]:
    """Return a Parquet column's values as Python's own."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Python's datetime ends at microseconds; as_py() refuses what it cannot hold.
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    cells: list[object] = column.to_pylist()
    return cells
