"""A row's time, read as the whole column has shown that it is to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from scanner_app.feeds.reader.options import DateOrder
from scanner_app.feeds.reader.shapes import LONGEST, MOST, shape_of
from scanner_app.feeds.reader.survey import time_text
from scanner_app.feeds.reader.times import ParseTime, Unit, form_of, parser
from scanner_app.feeds.reader.zones import zone_named

_DAY_MS: Final = 86_400_000


@dataclass(slots=True, kw_only=True)
class MomentReader:
    """Reads the time in a row.

    `clock` is the column of the time of day beside a date, `clock_digits` how many digits such a time has without
    colons (93000 is 9:30:00); `since` the day of which the cells are milliseconds.
    """

    place: int
    order: DateOrder | None = None
    unit: Unit | None = None
    clock: int | None = None
    clock_digits: int = 6
    since: datetime | None = None
    overrule_zones: bool = False
    _parsers: dict[str, ParseTime | None] = field(default_factory=dict)

    def read(self, row: Sequence[object]) -> datetime | object:
        """Return the moment of a row, aware in UTC or naive; the cell itself if it cannot be read."""
        cell = row[self.place]
        if self.since is not None:
            return _of_day(self.since, cell)
        if self.clock is not None:
            cell = self._joined(cell, row[self.clock])
        if isinstance(cell, datetime):
            return cell if cell.tzinfo is None else cell.astimezone(UTC)
        if isinstance(cell, date):
            return datetime.combine(cell, time.min)
        text = cell if type(cell) is str else time_text(cell)
        if len(text) > LONGEST:
            return cell
        shape = shape_of(text)
        try:
            parse = self._parsers[shape]
        except KeyError:
            parse = self._learn(shape, text)
        if parse is None:
            return cell
        try:
            return parse(text)
        except (ValueError, OverflowError):
            return cell

    def _learn(self, shape: str, text: str) -> ParseTime | None:
        form = form_of(text)
        if form is not None and form.zone and self.overrule_zones and zone_named(form.zone) is None:
            form = replace(form, zone="")
        parse = None if form is None else parser(form, order=self.order, unit=self.unit)
        if len(self._parsers) < MOST:
            self._parsers[shape] = parse
        return parse

    def _joined(self, day: object, clock: object) -> object:
        """Return date and time of day as one text; nothing, where the time of day stands alone in its column."""
        if isinstance(day, datetime):
            day = day.date()
        text = time_text(clock).strip()
        if text.isdecimal() and len(text) <= self.clock_digits:
            text = text.zfill(self.clock_digits) + (":00" if self.clock_digits == 2 else "")  # an hour
        return f"{time_text(day).strip()} {text}" if text else time_text(day)


def _of_day(since: datetime, cell: object) -> object:
    text = time_text(cell).strip()
    within = text.isdecimal() and int(text[:9]) < _DAY_MS
    return since + timedelta(milliseconds=int(text)) if within else cell


def localiser(zone: tzinfo) -> Callable[[datetime, datetime | None], datetime | None]:
    """Return how a naive time of a zone becomes UTC, given the bar before it of the same series.

    An hour that a clock shows twice is its second showing where the first would not come after the bar before.
    None for a time that the clock skips.
    """
    if zone is UTC:
        return lambda moment, _before: moment.replace(tzinfo=UTC)

    def local(moment: datetime, before: datetime | None) -> datetime | None:
        first = moment.replace(tzinfo=zone).astimezone(UTC)
        second = moment.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if first == second:
            return first
        if first.astimezone(zone).replace(tzinfo=None) != moment:
            return None
        return second if before is not None and first <= before else first

    return local
