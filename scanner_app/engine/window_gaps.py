"""How many bars are missing in the windows in which signals were seen.

Only windows with a signal are looked at, and a calendar is asked only where the bars are further apart than their
timeframe: some microseconds for each bar with a signal, nothing for the others.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

from scanner_app.calendars import calendar_of, hours_if_made
from scanner_app.detectors import Detector, Finding, Window
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.domain.trading_hours import Hours
from scanner_app.engine import detection
from scanner_app.mailbox import Ticket

SECOND = 1_000_000
"""In the unit of a window's times, µs."""

_LENGTHS = {name: int(length.total_seconds()) * SECOND for name, length in TIMEFRAMES.items()}


def of_ticket(ticket: Ticket, findings: Sequence[Finding], window: Window) -> Sequence[Finding]:
    """The findings of a run, each with the bars missing in its detector's window.

    They are not counted where the calendar matters and has not been made yet, which takes seconds.
    """
    if not findings:
        return findings
    calendar = calendar_of(ticket.message.ticker, ticket.calendar)
    return counted(findings, detection.chosen(), window, partial(hours_if_made, calendar, ticket.accepted_at))


def counted(
    findings: Sequence[Finding], detectors: Iterable[Detector], window: Window, hours: Callable[[], Hours]
) -> list[Finding]:
    """The same of any window. `hours` is called only if the calendar matters."""
    needed = {detector.name: detector.bars_needed for detector in detectors} if findings else {}
    counts: dict[int, int | None] = {}
    result = []
    for finding in findings:
        bars = needed[finding.detector]
        if bars not in counts:
            counts[bars] = _missing(window.timestamps[-bars:], window.timeframe, hours)
        result.append(replace(finding, window_gaps=counts[bars]))
    return result


def _missing(times: Any, timeframe: str, hours: Callable[[], Hours]) -> int | None:
    """Bars that are missing between these openings; None where the calendar is not known."""
    openings = times.astype("int64").tolist()  # µs
    length = _LENGTHS[timeframe]
    if openings[-1] - openings[0] == length * (len(openings) - 1):
        return 0
    apart = [pair for pair in pairwise(openings) if pair[1] - pair[0] > length]
    if not apart:
        return 0
    known = hours()
    if not known.are_known:
        return None
    return sum(_between(known, timeframe, *pair) for pair in apart)


@lru_cache(maxsize=10_000)
def _between(hours: Hours, timeframe: str, earlier: int, later: int) -> int:
    """Kept, because the next windows have the same weekend, and so have those of other symbols."""
    first, second = (datetime.fromtimestamp(moment / SECOND, UTC) for moment in (earlier, later))
    return hours.missing_between(timeframe, first, second)
