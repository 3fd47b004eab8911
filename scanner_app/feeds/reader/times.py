"""Seventh stage: times. What a column's cells look like is turned into functions that read them.

A cell's form is found once for each shape (shapes.py): the places of year, month, hour and so on are the same
in all cells of one shape. Day and month of `1/2/2020` are settled for the whole column by `date_order`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal

from scanner_app.feeds.reader.options import DateOrder
from scanner_app.feeds.reader.zones import zone_named

Span = tuple[int, int]
Unit = Literal["s", "ms", "us", "ns"]
ParseTime = Callable[[str], datetime]
"""Reads a cell: aware in UTC where the cell names a zone, else naive. Raises ValueError or OverflowError."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive times are localised later

PER_SECOND: Final[dict[Unit, int]] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

_CALENDAR: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}

_MONTHS: Final[dict[str, int]] = {
    name: number
    for number, names in enumerate(
        (
            "jan ene janv gen sty", "feb fév févr fev lut", "mar mär mrz mars maart mrt", "apr avr abr kwi",
            "may mai mag mei maj", "jun juin giu cze", "jul juil lug lip", "aug août ago aoû sie",
            "sep set sept wrz", "oct okt ott out paź", "nov lis", "dec dez déc dic des gru",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
"""Months by their first letters, in English and the languages of Investing.com's larger editions."""

_WEEKDAY: Final = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
_MONTH_NAME: Final = r"(?P<mon>[^\W\d_]{3,10})"
_DATES: Final = (
    r"(?P<y>\d{4})(?P<sep>[-/. ])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})",
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    r"(?P<a>\d{1,2})(?P<sep>[-/. ])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})",
    rf"{_WEEKDAY}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-/. ,]{{0,2}}{_MONTH_NAME}\.?[-/. ,]{{0,2}}(?P<y>\d{{4}}|\d{{2}})",
    (
        rf"{_WEEKDAY}{_MONTH_NAME}\.?[-/ ]{{0,2}}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?"
        r"(?:,[-/ ]{0,2}|[-/ ]{1,2})(?P<y>\d{4}|'?\d{2})"
    ),
    rf"{_MONTH_NAME}\.?[-/ ]{{1,2}}(?P<y>\d{{4}})",
    r"(?P<y>\d{4})[-/ ](?P<mon>[^\W\d_]{3,10})[-/ ](?P<d>\d{1,2})",
    r"(?P<y>\d{4})-(?P<m>\d{2})",
    r"(?P<y>\d{4})[年년]\s?(?P<m>\d{1,2})[月월]\s?(?P<d>\d{1,2})[日일]",
)
_TIMES: Final = (
    r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?(?:\s*(?P<ap>[AaPp])\.?[Mm](?![A-Za-z])\.?)?",
    r"(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?",
    r"(?P<h>\d{1,2})[-\s]?(?P<ap>[AaPp])[Mm]",
)
_ZONE: Final = (
    r"\s*(?P<z>Z|z|(?:UTC|GMT|utc|gmt)?\s?[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]+(?:/[A-Za-z_+\-]+)+|[A-Za-z]{2,5})?"
    r"(?:\s*\([^)]*\)|\[[^\]]*\]|(?<=\d)\s[A-Z]{3,5})?"  # JavaScript, Java, Go: +0000 UTC
)
_FORMS: Final = tuple(
    re.compile(rf"\s*{date}(?:(?P<join>\s*[TD\s,_:-]\s*){time}{_ZONE})?\s*", re.ASCII if "mon" not in date else 0)
    for date in _DATES
    for time in _TIMES
)
_NUMBER = re.compile(r"\s*(-?)(\d+)(?:\.(\d*))?\s*", re.ASCII)
_ISO = re.compile(r"9999-99-99(?:[T ]99:99(?::99(?:\.9+)?)?(?:Z|[+-]99:99)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Where the parts of a time are in the cells of one shape.

    `order` is None where day and month can be told apart, else they are the parts `first` and `second`.
    Numbers have `digits` before their point (Unix times, or calendar digits) and nothing else.
    """

    shape: str
    digits: int = 0
    negative: bool = False
    year: Span | None = None
    month: Span | None = None
    day: Span | None = None
    named_month: int = 0
    first: Span | None = None
    second: Span | None = None
    separator: str = ""
    hour: Span | None = None
    minute: Span | None = None
    second_of_minute: Span | None = None
    fraction: Span | None = None
    half: str = ""  # "a" or "p" of a clock with twelve hours
    zone: str = ""
    offset: Span | None = None

    @property
    def is_calendar(self) -> bool:
        """Whether it is a date written in words or signs, or in calendar digits."""
        return not self.digits or (not self.negative and "." not in self.shape and self.digits in _CALENDAR)

    @property
    def has_time(self) -> bool:
        """Whether there is a time of day: a Unix time has one always."""
        return self.hour is not None or (self.digits > 0 and self.digits != 8)

    @property
    def unit(self) -> Unit | None:
        """The unit of a Unix time by its size; None below nine digits, where only other cells of the column tell."""
        if self.digits < 9 or self.digits > 19 or self.digits == 17:  # 17: microseconds only from the year 5138 on
            return None
        return "s" if self.digits < 12 else "ms" if self.digits < 15 else "us" if self.digits < 18 else "ns"


def form_of(text: str) -> Form | None:
    """Return the form of a time that is written in a text; None if it is in no form that is read."""
    shape = re.sub(r"\d", "9", text, flags=re.ASCII)
    if number := _NUMBER.fullmatch(text):
        return Form(shape=shape, digits=len(number[2]), negative=bool(number[1]))
    for pattern in _FORMS:
        match = pattern.fullmatch(text)
        if match is not None and (form := _from_match(shape, match)) is not None:
            return form
    return None


def _from_match(shape: str, match: re.Match[str]) -> Form | None:
    groups = match.groupdict()

    def span(name: str) -> Span | None:
        return match.span(name) if groups.get(name) is not None else None

    month = 0
    if (word := groups.get("mon")) is not None:
        known = (_MONTHS.get(word.lower()[:size]) for size in (5, 4, 3))
        month = next((each for each in known if each), 0)
        if not month:
            return None
    zone, offset = groups.get("z") or "", None
    if zone and any(sign.isdigit() for sign in zone) and "/" not in zone:
        zone, offset = "", span("z")
    year = match.span("y")
    if match["y"].startswith("'"):
        year = (year[0] + 1, year[1])
    return Form(
        shape=shape,
        year=year,
        month=span("m"),
        day=span("d"),
        named_month=month,
        first=span("a"),
        second=span("b"),
        separator=groups.get("sep") or "",
        hour=span("h"),
        minute=span("mi"),
        second_of_minute=span("s"),
        fraction=span("f"),
        half=(groups.get("ap") or "").lower(),
        zone=zone,
        offset=offset,
    )


# --- Reading


def parser(form: Form, *, order: DateOrder | None, unit: Unit | None = None) -> ParseTime | None:
    """Return how cells of a form are read; None if they cannot be.

    `unit` counts for Unix times whose size does not tell, `order` for `1/2/2020`.
    """
    if form.digits:
        return _number_parser(form, unit)
    zone = zone_named(form.zone) if form.zone else None
    if form.zone and zone is None:
        return None
    by_places = _by_places(form, order, zone)
    if by_places is None or not _ISO.fullmatch(form.shape):
        return by_places

    def iso(cell: str) -> datetime:
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            return by_places(cell)  # 24:00
        return moment if moment.tzinfo is None else moment.astimezone(UTC)

    return iso


def _number_parser(form: Form, unit: Unit | None) -> ParseTime | None:
    if form.is_calendar and unit is None:
        pattern = _CALENDAR[form.digits]
        return lambda cell: datetime.strptime(cell.strip(), pattern)  # noqa: DTZ007 - localised later
    unit = form.unit or unit
    if unit is None:
        return None
    per_second = PER_SECOND[unit]
    if "." in form.shape:
        return lambda cell: _from_fraction(cell, per_second)
    return lambda cell: from_epoch(int(cell), per_second)


def from_epoch(number: int, per_second: int) -> datetime:
    """Return the moment of a Unix time in a unit of which `per_second` are a second. Nanoseconds are cut off."""
    return EPOCH + timedelta(microseconds=number * 1_000_000 // per_second)


def _from_fraction(cell: str, per_second: int) -> datetime:
    whole, _, rest = cell.strip().partition(".")
    scale = 10 ** len(rest)
    sign = -1 if whole.startswith("-") else 1
    number = abs(int(whole)) * scale + int(rest or 0)
    return EPOCH + timedelta(microseconds=sign * (number * 1_000_000 // (per_second * scale)))


def _by_places(form: Form, order: DateOrder | None, zone: tzinfo | None) -> ParseTime | None:
    """Return a parser that cuts the cell at the form's places."""
    year, month, day = form.year, form.month, form.day
    if form.first is not None:
        if order is None:
            return None
        year, month, day = _ordered(form, order)
    if year is None or (month is None and not form.named_month):
        return None
    date_of = _date_reader(year, month, day, form.named_month)
    if form.hour is None:
        return date_of
    time_of = _time_reader(form)
    offset_at = form.offset

    def parse(cell: str) -> datetime:
        moment = date_of(cell) + time_of(cell)
        at = zone if offset_at is None else zone_named(cell[offset_at[0] : offset_at[1]].replace(" ", ""))
        if at is None:
            if offset_at is not None:
                raise ValueError(f"{cell!r} has an impossible offset")
            return moment
        return moment.replace(tzinfo=at).astimezone(UTC)

    return parse


def _ordered(form: Form, order: DateOrder) -> tuple[Span | None, Span | None, Span | None]:
    """Return the places of year, month and day of a date in numbers."""
    if order == "ymd":  # two digits of the year come first
        return form.first, form.second, form.year
    return (form.year, form.second, form.first) if order == "dmy" else (form.year, form.first, form.second)


def _date_reader(year: Span, month: Span | None, day: Span | None, named_month: int) -> ParseTime:
    y0, y1 = year
    m0, m1 = month or (0, 0)
    d0, d1 = day or (0, 0)

    def read(cell: str) -> datetime:
        number = int(cell[y0:y1])
        if y1 - y0 <= 2:
            number += 1900 if number > 68 else 2000
        return datetime(number, named_month or int(cell[m0:m1]), int(cell[d0:d1]) if d1 else 1)  # noqa: DTZ001

    return read


def _time_reader(form: Form) -> Callable[[str], timedelta]:
    (h0, h1), (m0, m1), (s0, s1) = (each or (0, 0) for each in (form.hour, form.minute, form.second_of_minute))
    fraction, half = form.fraction, form.half

    def read(cell: str) -> timedelta:
        hour = int(cell[h0:h1])
        minute = int(cell[m0:m1]) if m1 else 0
        second = int(cell[s0:s1]) if s1 else 0
        micro = 0
        if half:
            if not 1 <= hour <= 12:
                raise ValueError(f"{cell!r} is no time of a clock with twelve hours")
            hour = hour % 12 + (12 if half == "p" else 0)
        if fraction is not None:
            micro = int(cell[fraction[0] : fraction[1]].ljust(6, "0")[:6])
        # 24:00 is the end of the day.
        if hour > 24 or (hour == 24 and (minute or second or micro)) or minute > 59 or second > 59:
            raise ValueError(f"{cell!r} is no time of day")
        return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)

    return read
