"""Lines of text out of a file, however long one of them tries to be."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import IO, Final, Literal

from scanner_app.feeds.reader.container import buffered
from scanner_app.feeds.reader.errors import FeedError

LONGEST: Final = 1 << 20
"""Characters of one line, at most: a row of prices of a thousand symbols has a tenth of that."""

_RULE = re.compile(r"(?=.*---)[-:+= \t]+")
"""A line drawn below the names, as Markdown has it."""

Quoting = Literal[0, 3]
"""csv.QUOTE_MINIMAL, or csv.QUOTE_NONE where quotes are not in pairs."""


def text_lines(name: str, file: IO[bytes], codec: str) -> Iterator[str]:
    """Yield the lines with their ends. Raises FeedError for one that does not end, or cannot be decoded."""
    wrapper = io.TextIOWrapper(buffered(file), encoding=codec, newline="")
    number = 0
    try:
        while line := wrapper.readline(LONGEST):
            number += 1
            if len(line) == LONGEST:
                raise FeedError(
                    f"{name}: line {number} is longer than {LONGEST:,} characters; this is no file of prices"
                )
            yield line
    except UnicodeDecodeError as exc:  # the file has changed since its encoding was found
        raise FeedError(f"{name}: cannot be read beyond line {number}: {exc}") from exc


def split(lines: Iterator[str], delimiter: str, quoting: Quoting) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the number of its last line; the first line is 1.

    Raises csv.Error where quotes run away.
    """
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, quoting=quoting)
    for row in reader:
        if row and (len(row) > 1 or row[0].strip()) and not _is_rule(row):
            yield reader.line_num, row


def _is_rule(row: Sequence[str]) -> bool:
    first = row[0] or (row[1] if len(row) > 1 else "")
    return first.lstrip()[:1] in {"-", ":", "=", "+"} and _RULE.fullmatch("".join(row)) is not None
