"""A text as a table: encoding, dialect and header found, rows read as often as wanted."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

from scanner_app.feeds.reader.container import Part
from scanner_app.feeds.reader.dialect import DELIMITERS, Dialect, find_dialect
from scanner_app.feeds.reader.encoding import Encoding, find_encoding
from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.head import LOOKED_AT, find_head
from scanner_app.feeds.reader.lines import LONGEST, split, text_lines
from scanner_app.feeds.reader.names import TIMES, field_of
from scanner_app.feeds.reader.options import Options
from scanner_app.feeds.reader.table import Row, Table
from scanner_app.feeds.reader.times import form_of


def text_table(part: Part, options: Options) -> Table:
    """Return the table in a text. Raises FeedError if it has none, or a line that does not end."""
    with part.open() as file:
        # Before all of it is looked at: a gigabyte without a line's end is no file of prices.
        if (
            len(beginning := file.read(2 * LONGEST)) == 2 * LONGEST
            and b"\n" not in beginning
            and b"\r" not in beginning
        ):
            raise FeedError(f"{part.name}: its first line has no end; this is no file of prices")
        file.seek(0)
        encoding = find_encoding(file)
    with part.open() as file:
        sample = list(islice(text_lines(part.name, file, encoding.codec), LOOKED_AT))
    if not any(line.strip("\ufeff\0 \r\n\t") for line in sample):
        raise FeedError(f"{part.name}: is empty")
    dialect = find_dialect(sample)
    walker = _Walker(part, encoding, dialect)
    first = [[str(cell) for cell in row] for _, row in islice(walker.all_rows(), LOOKED_AT)]
    head = find_head(first, no_header=options.no_header)
    walker.before = head.before
    walker.header = list(head.header[-1]) if head.header else []
    header = _with_index(head.header, first[head.before] if head.before < len(first) else ())
    _check_width(part.name, header, first[head.before :])
    notes = [encoding.why] if encoding.why else []
    if head.preamble:
        notes.append(f"{head.preamble} line{'s' * (head.preamble > 1)} before the header passed over")
    separated = f"separated by {DELIMITERS.get(dialect.delimiter, repr(dialect.delimiter))}"
    packed = f" in {part.packing}" if part.packing else ""
    return Table(
        name=part.name,
        stems=part.stems,
        folder=part.folder,
        form=f"text {separated}{packed}",
        encoding=encoding.name,
        packed=bool(part.packing),
        header=header,
        rows=walker.rows,
        share=walker.share,
        notes=tuple(notes),
    )


def _with_index(header: tuple[tuple[str, ...], ...], row: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Give the index its column where the names are one fewer than the cells: so R and pandas' to_string write them."""
    # pandas' to_string writes the index's name in a line of its own.
    names = [each for each in header if sum(1 for cell in each if cell.strip()) > 1]
    if len(names) != 1 or len(row) != len(names[0]) + 1 or not row[-1].strip():
        return header
    if (known := field_of(names[0][0])) is None or form_of(row[0]) is None:
        return header
    if known[0] in TIMES and not row[0].strip().isdecimal():
        return header  # its first name is the time's, and so is its first cell
    return (("", *names[0]),)


def _check_width(name: str, header: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> None:
    """Raise FeedError if most rows have more cells than the header has names: then none is under its own."""
    width = max(map(len, header), default=0)
    filled = [max((place for place, cell in enumerate(row, start=1) if cell.strip()), default=0) for row in rows]
    wider = [count for count in filled if count > width]
    if width and 2 * len(wider) > len(filled):
        raise FeedError(
            f"{name}: its rows have {wider[0]} cells under {width} names: is the comma of its numbers also what "
            "separates them? Write them without, or between quotes, or with another sign between the cells"
        )


class _Walker:
    """Opens the text anew for each walk, and knows how far the last one is."""

    def __init__(self, part: Part, encoding: Encoding, dialect: Dialect) -> None:
        self._part, self._encoding, self._dialect = part, encoding, dialect
        self._file: IO[bytes] | None = None
        self.before = 0
        self.header: list[str] = []

    def all_rows(self) -> Iterator[Row]:
        """Walk over all rows, those of the header and before it included."""
        with self._part.open() as file:
            self._file = file
            lines = text_lines(self._part.name, file, self._encoding.codec)
            try:
                yield from split(lines, self._dialect.delimiter, self._dialect.quoting)
            except (csv.Error, OSError) as exc:
                raise FeedError(f"{self._part.name}: cannot be read: {exc}") from exc

    def rows(self) -> Iterator[Row]:
        """Walk over the rows of data. Raises FeedError for a quote that swallows line after line."""
        before = 0
        for line, row in islice(self.all_rows(), self.before, None):
            if line > before + 1 and before and any("\n" in str(cell) or "\r" in str(cell) for cell in row):
                raise FeedError(f"{self._part.name}: a quote that begins after line {before} ends in line {line} only")
            before = line
            if row != self.header:  # as where files were put together
                yield line, row

    def share(self) -> float:
        """Return how much of the text the last walk has read."""
        if self._file is None:
            return 0.0
        return 1.0 if self._file.closed else min(1.0, self._file.tell() / self._part.size)
