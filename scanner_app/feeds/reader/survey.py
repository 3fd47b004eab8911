"""The first walk over a file: what the cells of its columns look like, in bounded memory, whatever the file's size."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Final

from scanner_app.feeds.reader.numbers import decimal_sign, is_nothing
from scanner_app.feeds.reader.shapes import Shapes
from scanner_app.feeds.reader.table import Row
from scanner_app.feeds.reader.times import Form, Span, form_of

BLOCK: Final = 2_000
"""Rows looked at together."""

_DIGITS_AND_POINTS: Final = frozenset("0123456789.-")

_MINUTE_DIGITS: Final = 12
_MINUTE: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d", re.ASCII)

_MONTHS: Final = 12
_DAYS: Final = 31

Evidence = tuple[int, str]
"""A line and the cell in it that decided."""


def time_text(cell: object) -> str:
    """Return a cell of a column of times as a text: a whole number without a point, nothing as ""."""
    if isinstance(cell, str):
        return cell
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    return str(cell)


@dataclass(slots=True)
class TimeSurvey:
    """What a column looks like as times. `first_over`, `second_over`: cells whose part cannot be a month."""

    shapes: Shapes = field(default_factory=Shapes)
    forms: dict[str, Form | None] = field(default_factory=dict)
    first_over: Evidence | None = None
    second_over: Evidence | None = None
    year_first: Evidence | None = None
    year_last: bool = False  # the third part of some date cannot be a day
    calendar: bool = True  # twelve digits are all YYYYMMDDHHMM; else they are milliseconds
    read: int = 0
    filled: int = 0

    def add(self, lines: Sequence[int], cells: Sequence[object]) -> None:
        """Take a block of the column."""
        texts = [time_text(cell) for cell in cells]
        shapes = self.shapes.add(lines, texts)
        for shape, count in Counter(shapes).items():
            if not shape.strip():
                continue
            self.filled += count
            if shape not in self.forms:
                known = self.shapes.first.get(shape)
                self.forms[shape] = None if known is None else form_of(known[1])
            form = self.forms[shape]
            if form is None:
                continue
            self.read += count
            if form.digits == _MINUTE_DIGITS and self.calendar:
                self.calendar = all(_MINUTE.fullmatch(text.strip()) for text in texts if len(text) == len(shape))
            if form.first is not None and form.second is not None:
                places = [at for at, each in enumerate(shapes) if each == shape]
                self._order(form, [lines[at] for at in places], [texts[at] for at in places])

    def _order(self, form: Form, lines: Sequence[int], texts: Sequence[str]) -> None:
        """Look for days among the parts of a date that may be day, month and, of two digits, year."""
        first, second, third = form.first, form.second, form.year
        if first is None or second is None or third is None:
            return
        self.year_last = self.year_last or third[1] - third[0] > 2 or _top(third, lines, texts)[0] > _DAYS
        # All texts have one shape, so the greatest text of a part is its greatest number.
        top, evidence = _top(first, lines, texts)
        if top > _MONTHS and self.first_over is None:
            self.first_over = evidence
        if top > _DAYS and self.year_first is None:
            self.year_first = evidence
        if self.second_over is None:
            top, evidence = _top(second, lines, texts)
            if top > _MONTHS:
                self.second_over = evidence

    @property
    def share(self) -> float:
        """The share of the filled cells that are in a form of times."""
        return self.read / self.filled if self.filled else 0.0

    @property
    def is_clock(self) -> bool:
        """Whether it holds times of day: all `9:30`, `09:30:00`, or digits from 0000 to 235959 with leading zeros."""
        shapes = [shape.strip() for shape in self.shapes.counts if shape.strip()]
        return bool(shapes) and all(
            (shape.replace(":", "").replace(".", "").isdecimal() and ":" in shape) or shape in {"9999", "999999"}
            for shape in shapes
        )

    @property
    def has_days(self) -> bool:
        """Whether nearly all of it are moments by themselves: a day and a time of day, or a Unix time."""
        moments = (form.has_time and (form.is_calendar or form.unit is not None) for form in self.known_forms)
        return self.share >= 0.9 and all(moments)

    @property
    def known_forms(self) -> list[Form]:
        """The forms of its cells."""
        return [form for form in self.forms.values() if form is not None]


def _top(span: Span, lines: Sequence[int], texts: Sequence[str]) -> tuple[int, Evidence]:
    """Return the greatest number in a place of the texts, and the first text that has it."""
    begin, end = span
    parts = [text[begin:end] for text in texts]
    top = max(parts)
    place = parts.index(top)
    return int(top), (lines[place], texts[place].strip())


@dataclass(slots=True)
class NumberSurvey:
    """What a column looks like as numbers. `holds`: some cell is neither empty nor 0; `whole`: all are integers."""

    shapes: Shapes = field(default_factory=Shapes)
    holds: bool = False
    filled: bool = False
    whole: bool = True
    percent: Evidence | None = None

    def add(self, lines: Sequence[int], cells: Sequence[object]) -> None:
        """Take a block of the column."""
        texts = [cell for cell in cells if isinstance(cell, str)]
        if len(texts) < len(cells):
            self._values([cell for cell in cells if cell is not None and not isinstance(cell, str)])
            lines = [line for line, cell in zip(lines, cells, strict=True) if isinstance(cell, str)]
        if texts and not self._plain(lines, texts):
            self._written(lines, texts)

    def _plain(self, lines: Sequence[int], texts: Sequence[str]) -> bool:
        """Take a block of plain numbers, as most blocks are, by float() alone; False if it has others."""
        joined = "".join(texts)
        if not _DIGITS_AND_POINTS.issuperset(joined):
            return False
        try:
            values = list(map(float, texts))
        except ValueError:
            return False
        self.filled = True
        self.holds = self.holds or any(value not in (0, -1) for value in values)
        if "." in joined:
            self.whole = False
            # The example must be one that shows the decimal sign, if there is any: 154.005 could be thousands.
            pointed = [at for at, text in enumerate(texts) if "." in text]
            place = next((at for at in pointed if decimal_sign(texts[at])), pointed[0])
            self.shapes.add(lines[place : place + 1], texts[place : place + 1])
        self.shapes.add(lines[:1], texts[:1])
        return True

    def _written(self, lines: Sequence[int], texts: Sequence[str]) -> None:
        fresh = len(self.shapes.first)
        self.shapes.add(lines, texts)
        if len(self.shapes.first) > fresh:
            for line, example in islice(self.shapes.examples(), fresh, None):
                self.whole = self.whole and (is_nothing(example) or example.strip().lstrip("+-").isdecimal())
                self.filled = self.filled or not is_nothing(example)
                if self.percent is None and example.strip().endswith("%"):
                    self.percent = (line, example.strip())
        self.holds = self.holds or any(_says(text) for text in texts)

    def _values(self, values: Sequence[object]) -> None:
        numbers = [value for value in values if isinstance(value, (int, float, Decimal)) and not is_nothing(value)]
        self.filled = self.filled or bool(numbers)
        self.holds = self.holds or any(value not in (0, -1) for value in numbers)
        self.whole = self.whole and all(float(value).is_integer() for value in numbers)


def _says(text: str) -> bool:
    """Whether a text is a value other than 0. Interactive Brokers writes -1 for a volume that it does not know."""
    return bool(text.strip("0.,-+ ")) and text.strip() not in {"-1", "-1.0"} and not is_nothing(text)


@dataclass(slots=True)
class OrderSurvey:
    """Which of four columns of prices are the high and the low, in a file without a header."""

    rows: int = 0
    highest: list[int] = field(default_factory=lambda: [0] * 4)
    lowest: list[int] = field(default_factory=lambda: [0] * 4)

    def add(self, cells: Sequence[object]) -> None:
        """Take the four cells of a row; what is no number is passed over."""
        try:
            values = [float(str(cell).replace(",", ".")) for cell in cells]
        except ValueError:
            return
        if len(values) < 4:
            return
        top, bottom = max(values), min(values)
        self.rows += 1
        for place, value in enumerate(values):
            self.highest[place] += value == top
            self.lowest[place] += value == bottom


def blocks(rows: Iterable[Row]) -> Iterator[tuple[list[int], list[Sequence[object]]]]:
    """Yield rows in blocks, parted into numbers and cells."""
    walk = iter(rows)
    while block := list(islice(walk, BLOCK)):
        yield [line for line, _ in block], [row for _, row in block]


def column(rows: Sequence[Sequence[object]], place: int) -> list[object]:
    """Return a column of a block; a row that is too short has nothing there."""
    try:
        return [row[place] for row in rows]
    except IndexError:
        return [row[place] if place < len(row) else "" for row in rows]
