"""Quiet hours by the clocks of a time zone."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from scanner_app.domain.quiet_hours import QuietHours


def hours(begins: str, ends: str, zone: str = "UTC") -> QuietHours:
    return QuietHours(begins=time.fromisoformat(begins), ends=time.fromisoformat(ends), zone=ZoneInfo(zone))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (hours("12:00", "13:00"), "2024-05-31T11:59:59", None),
        (hours("12:00", "13:00"), "2024-05-31T12:00:00", "2024-05-31T13:00:00"),
        (hours("12:00", "13:00"), "2024-05-31T13:00:00", None),
        (hours("22:00", "07:00"), "2024-05-31T21:59:59", None),
        (hours("22:00", "07:00"), "2024-05-31T22:00:00", "2024-06-01T07:00:00"),
        (hours("22:00", "07:00"), "2024-06-01T06:59:59", "2024-06-01T07:00:00"),
        (hours("22:00", "07:00"), "2024-06-01T07:00:00", None),
        (hours("22:00", "07:00", "Asia/Tokyo"), "2024-05-31T13:00:00", "2024-05-31T22:00:00"),
        # The night in which clocks are put forward is an hour shorter, the other one an hour longer.
        (hours("22:00", "07:00", "Europe/Berlin"), "2024-03-30T21:00:00", "2024-03-31T05:00:00"),
        (hours("22:00", "07:00", "Europe/Berlin"), "2024-10-26T20:00:00", "2024-10-27T06:00:00"),
        # Half past two comes twice then: the first one ends it.
        (hours("01:00", "02:30", "Europe/Berlin"), "2024-10-27T00:10:00", "2024-10-27T00:30:00"),
        (hours("01:00", "02:30", "Europe/Berlin"), "2024-10-27T01:10:00", None),
    ],
)
def test_until_when_it_is_quiet(quiet, now, until):
    assert quiet.until(at(now)) == (at(until) if until else None)


def test_hours_that_begin_when_they_end_are_refused():
    with pytest.raises(ValueError, match="same time"):
        hours("22:00", "22:00")
