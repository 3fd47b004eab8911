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
        schema = walker.schema()
    except (OSError, pa.ArrowException) as exc:
        raise FeedError(f"{part.name}: cannot be read: {exc}") from exc
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
        self._share = 0.0

    def schema(self) -> Any:
        """Return the columns with their types."""
        with self._part.open() as file:
            return pq.ParquetFile(file).schema_arrow if self._part.kind == "parquet" else pa.ipc.open_file(file).schema

    def rows(self) -> Iterator[Row]:
        """Walk over the rows, the first being 1."""
        number, self._share = 0, 0.0
        try:
            with self._part.open() as file:
                for batch, share in self._batches(file):
                    for cells in zip(*(_cells(column) for column in batch.columns), strict=True):
                        number += 1
                        yield number, cells
                    self._share = share
        except (OSError, pa.ArrowException) as exc:
            raise FeedError(f"{self._part.name}: cannot be read beyond row {number}: {exc}") from exc
        self._share = 1.0

    def _batches(self, file: Any) -> Iterator[tuple[Any, float]]:
        """Yield pieces of the file, and how much of it has been read with them."""
        if self._part.kind == "parquet":
            parquet, done = pq.ParquetFile(file), 0
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
                done += batch.num_rows
                yield batch, done / parquet.metadata.num_rows
            return
        arrow = pa.ipc.open_file(file)
        for at in range(arrow.num_record_batches):
            batch = arrow.get_batch(at)
            for begin in range(0, batch.num_rows, BATCH_ROWS):
                done = min(begin + BATCH_ROWS, batch.num_rows)
                yield batch.slice(begin, BATCH_ROWS), (at + done / batch.num_rows) / arrow.num_record_batches

    def share(self) -> float:
        """Return how much of the file the last walk has read."""
        return self._share


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
