"""Real calendars, worked out once for a run of the tests."""

from datetime import date
from functools import lru_cache
from typing import Any

import pytest

from scanner_app.calendars.build import sessions
from scanner_app.domain.trading_hours import Hours, Session, every_day

FIRST, LAST = date(2025, 1, 1), date(2026, 12, 31)


@lru_cache
def real(name: str) -> Hours:
    rows: list[list[Any]] = [*sessions(name, FIRST, LAST)]
    return Hours(Session(*row) for row in rows)


@pytest.fixture(scope="session")
def new_york() -> Hours:
    """Opens 9:30, closes 16:00 there: 14:30 to 21:00 UTC in winter, 13:30 to 20:00 in summer."""
    return real("XNYS")


@pytest.fixture(scope="session")
def hong_kong() -> Hours:
    """1:30 to 8:00 UTC, with a lunch break from 4:00 to 5:00."""
    return real("XHKG")


@pytest.fixture(scope="session")
def always() -> Hours:
    return Hours(every_day(FIRST, LAST))
