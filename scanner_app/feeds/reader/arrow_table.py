"""Parquet and Feather (Arrow) files as tables, read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner_app.feeds.reader.container import Part
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.table import Row, Table
from scanner_app.feeds.reader.zones import did_you_mean, zone_named

BATCH_ROWS: Final = 2_000
"""Rows in memory at a time: a fraction of a megabyte."""


def arrow_table(part: Part, options: Options) -> Table:
    """Return the table in a Parquet or Arrow file. Raises FeedError if it is damaged or has an unknown zone."""
    walker = _Walker(part)
    try:
        schema, count = walker.schema()
    except (OSError, pa.ArrowException) as exc:
        raise FeedError(f"{part.name}: cannot be read: {exc}") from exc
    walker.count = count
    if options.timezone is None:
        _check_zones(part.name, schema)
    packed = f" in {part.packing}" if part.packing else ""
    return Table(
        name=part.name,
        stems=part.stems,
        folder=part.folder,
        form=("Parquet" if part.kind == "parquet" else "Feather (Arrow)") + packed,
        packed=bool(part.packing),
        header=(tuple(map(str, schema.names)),),
        rows=walker.rows,
        share=walker.share,
        rows_are="row",
    )


def _check_zones(name: str, schema: Any) -> None:
    for field in schema:
        zone = getattr(field.type, "tz", None)
        if zone and zone_named(zone) is None:
            raise FeedError(
                f"{name}: the column {field.name} has the time zone {zone!r}, which is unknown; {did_you_mean(zone)} "
                "With --timezone the file is read all the same: its times are kept as UTC"
            )


class _Walker:
    """Opens the file anew for each walk, and knows how far the last one is."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._done = 0
        self.count = 0

    def schema(self) -> tuple[Any, int]:
        """Return the columns, and the number of rows."""
        with self._part.open() as file:
            if self._part.kind == "parquet":
                opened = pq.ParquetFile(file)
                return opened.schema_arrow, opened.metadata.num_rows
            reader = pa.ipc.open_file(file)
            return reader.schema, sum(reader.get_batch(at).num_rows for at in range(reader.num_record_batches))

    def rows(self) -> Iterator[Row]:
        """Walk over the rows, the first being 1."""
        self._done = 0
        try:
            with self._part.open() as file:
                for batch in self._batches(file):
                    for cells in zip(*(_cells(column) for column in batch.columns), strict=True):
                        self._done += 1
                        yield self._done, cells
        except (OSError, pa.ArrowException) as exc:
            raise FeedError(f"{self._part.name}: cannot be read beyond row {self._done}: {exc}") from exc

    def _batches(self, file: Any) -> Iterator[Any]:
        if self._part.kind == "parquet":
            yield from pq.ParquetFile(file).iter_batches(batch_size=BATCH_ROWS)
            return
        reader = pa.ipc.open_file(file)
        for at in range(reader.num_record_batches):
            batch = reader.get_batch(at)
            for begin in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(begin, BATCH_ROWS)

    def share(self) -> float:
        """Return how much of the file the last walk has read."""
        return self._done / self.count if self.count else 1.0


def _cells(column: Any) -> list[object]:
    """Return a column's values as Python's own. Times with a zone are moments: UTC, whatever the zone's name."""
    if pa.types.is_timestamp(column.type):
        # Python's datetime ends at microseconds.
        zone = "UTC" if column.type.tz else None
        if zone:
            column = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit, tz=zone))
        column = column.cast(pa.timestamp("us", tz=zone), safe=False)
    cells: list[object] = column.to_pylist()
    return cells
