"""Which column holds the times, and in which order day and month stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scanner_app.feeds.reader.columns import Columns
from scanner_app.feeds.reader.errors import Unsettled, shown
from scanner_app.feeds.reader.file_names import NameHint
from scanner_app.feeds.reader.first_walk import Found
from scanner_app.feeds.reader.moments import MomentReader
from scanner_app.feeds.reader.options import DateOrder, Options
from scanner_app.feeds.reader.survey import TimeSurvey
from scanner_app.feeds.reader.times import PER_SECOND, Form, Unit
from scanner_app.feeds.reader.zones import did_you_mean, zone_named

ORDER_WORDS: Final[dict[str, str]] = {"dmy": "day/month/year", "mdy": "month/day/year", "ymd": "year/month/day"}

_MOSTLY: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeColumn:
    """The column of the times, the orders that its dates may have (one: it is settled) and why, in words.

    `dates` means that there is no time of day; `zoned` that every time names its zone or is a Unix time.
    """

    moments: tuple[MomentReader, ...]
    why: str
    dates: bool
    zoned: bool
    two_blanks: bool


def choose_time(found: Found, options: Options, hint: NameHint) -> TimeColumn:
    """Choose the column of the times. Raises Unsettled if none can be read, or if its dates contradict each other."""
    columns = found.columns
    if hint.day and not columns.names[0]:
        since = datetime.strptime(hint.day, "%Y%m%d")  # noqa: DTZ007 - localised later
        reader = MomentReader(place=columns.times[0], since=since)
        return TimeColumn(moments=(reader,), why="", dates=False, zoned=False, two_blanks=False)
    place, clock_place = _places(found)
    survey = found.times[place]
    _zones_known(survey, columns, place, options)
    forms = survey.known_forms
    dates = all(not form.has_time for form in forms)
    clock, digits = None, 6
    if dates and clock_place is not None and clock_place != place:
        clocks = found.times[clock_place].shapes.counts
        longest = max((len(shape.strip()) for shape in clocks if shape.strip().isdecimal()), default=0)
        if any(shape.strip() for shape in clocks):
            clock, digits, dates = clock_place, _clock_digits(longest), False
    orders, why = _orders(survey, options)
    unit = _small_unit(survey)
    readers = tuple(
        MomentReader(
            place=place,
            order=order,
            unit=unit,
            clock=clock,
            clock_digits=digits,
            overrule_zones=options.timezone is not None,
        )
        for order in orders
    )
    return TimeColumn(
        moments=readers,
        why=why,
        dates=dates,
        zoned=all(form.zone or form.offset or (form.digits and (unit or not form.is_calendar)) for form in forms)
        and clock is None,
        two_blanks=any(shape == "99999999  99:99:99" for shape in survey.shapes.counts),
    )


def _clock_digits(longest: int) -> int:
    """Return how many digits a time of day has without colons, by its longest: hours alone, HHMM or HHMMSS."""
    return 6 if longest == 0 or longest > 4 else 4 if longest > 2 else 2


def _places(found: Found) -> tuple[int, int | None]:
    """Return the column of the times and, where that holds days alone, the one of the times of day, if there is one."""
    place, clock = _place(found), found.columns.time_of_day
    if any(form.has_time for form in found.times[place].known_forms):
        return place, None
    if clock is not None and clock != place and found.times[clock].has_days:
        return clock, None  # the whole moment beside its day: Baostock
    if clock is None:
        clock = next((each for each in found.columns.times if each != place and found.times[each].is_clock), None)
    return place, clock


def _place(found: Found) -> int:
    columns = found.columns
    usable = [place for place in (columns.times or sorted(found.times)) if _usable(found.times[place])]
    if columns.times:
        mostly = [place for place in usable if found.times[place].share >= _MOSTLY]
        usable = mostly or sorted(usable, key=lambda place: -found.times[place].share)
    else:
        usable = [place for place in usable if found.times[place].share > 0.9 and _calendar(found.times[place])]
        if len(usable) > 1:
            names = ", ".join(columns.name(place) for place in usable)
            raise Unsettled(f"which column holds the times: {names}? Say --columns timestamp=NAME")
        if usable:
            found.notes.append(f"times are in the column {columns.name(usable[0])}, the only one that holds any")
    if not usable and columns.times and not found.rows:
        return columns.times[0]  # a header without bars
    if not usable:
        raise Unsettled(_unread(found))
    return usable[0]


def _usable(survey: TimeSurvey) -> bool:
    return any(form.is_calendar or form.unit for form in survey.known_forms)


def _calendar(survey: TimeSurvey) -> bool:
    return any(not form.digits for form in survey.known_forms)


def _unread(found: Found) -> str:
    """Say what stands where the times should be."""
    if not found.columns.times:
        listed = ", ".join(map(shown, found.columns.names[:40]))
        return (
            f"no column for timestamp (or date, time, datetime, ...). Columns found: {listed}. "
            "Say --columns timestamp=NAME"
        )
    for place in found.columns.times:
        survey = found.times[place]
        for line, cell in survey.shapes.examples():
            if not cell.strip():
                continue
            name = found.columns.name(place)
            if any(form.digits for form in survey.known_forms):
                return (
                    f"the column {name} holds numbers that are no times: line {line} has {shown(cell)!r}. If they are "
                    "a spreadsheet's days, export them as dates; else say --columns timestamp=NAME"
                )
            return f"the column {name} holds no times that can be read: line {line} has {shown(cell)!r}"
    return "its column of times is empty"


def _zones_known(survey: TimeSurvey, columns: Columns, place: int, options: Options) -> None:
    if options.timezone is not None:
        return
    for shape, form in survey.forms.items():
        if form is not None and form.zone and zone_named(form.zone) is None:
            line, cell = survey.shapes.first[shape]
            why = "means several zones or none" if "/" not in form.zone else did_you_mean(form.zone)
            raise Unsettled(
                f"line {line} of {columns.name(place)} has {shown(cell)!r}: {form.zone} {why}. Say --timezone"
            )


def _small_unit(survey: TimeSurvey) -> Unit | None:
    """Return the unit of Unix times whose size does not tell it: that of the others in the column."""
    units = {form.unit for form in survey.known_forms if not form.is_calendar}
    if not survey.calendar:
        units.add("ms")
    return next((unit for unit in PER_SECOND if unit in units), None)


def _orders(survey: TimeSurvey, options: Options) -> tuple[tuple[DateOrder | None, ...], str]:
    """Return the orders that day and month may have, and why. Raises Unsettled if the cells contradict them."""
    doubtful = [form for form in survey.known_forms if form.first is not None]
    if not doubtful:
        return (None,), ""
    first, second = survey.first_over, survey.second_over
    given = options.date_order
    against = {"dmy": second, "mdy": first, "ymd": None}
    if given is not None:
        if (wrong := against[given]) is not None:
            raise Unsettled(f"--date-order is {given}, but line {wrong[0]} has {wrong[1]}")
        return (given,), ""
    if survey.year_first is not None:
        return ("ymd",), f"because line {survey.year_first[0]} has {survey.year_first[1]}"
    if first and second:
        raise Unsettled(
            f"line {first[0]} has {first[1]}, line {second[0]} has {second[1]}: no one order of day and month fits both"
        )
    # 24/03/11 may also begin with its year; dates with dots do not.
    years: tuple[DateOrder, ...] = ("ymd",) if not (second or survey.year_last or _dotted(doubtful)) else ()
    if first:
        return ("dmy", *years), f"because line {first[0]} has {first[1]}"
    if second:
        return ("mdy",), f"because line {second[0]} has {second[1]}"
    if _dotted(doubtful):
        return ("dmy",), "as dates with dots are"
    return ("mdy", "dmy", *years), ""


def _dotted(forms: Sequence[Form]) -> bool:
    return all(form.separator == "." for form in forms)
