"""How many bars are missing in the windows in which signals were seen."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from scanner_app import mailbox
from scanner_app.calendars import hours_of
from scanner_app.detectors import Direction, Finding, Window
from scanner_app.domain.trading_hours import Hours
from scanner_app.engine import runs, window_gaps
from scanner_app.engine.ingest import accept
from scanner_app.models import Signal, Symbol
from tests.conftest import T0, live_message
from tests.detectors.samples import Up

FOUND = [Finding("up", "UP", Direction.BULLISH, 1.0)]


class Longer(Up):
    name = "longer"
    bars_needed = 5


def window_at(*texts: str, timeframe: str = "1h") -> Window:
    ones = np.ones(len(texts))
    return Window.of(
        symbol="X", timeframe=timeframe, timestamps=np.array(texts, "datetime64[us]"),
        open=ones, high=ones, low=ones, close=ones, volume=ones,
    )  # fmt: skip


def never() -> Hours:
    raise AssertionError("no calendar is needed")


@pytest.mark.parametrize(
    ("window", "calendar", "missing"),
    [
        pytest.param(
            window_at("2024-06-03T14:00", "2024-06-03T17:00"), "24/7", 2, id="two bars of a market always open"
        ),
        pytest.param(window_at("2024-05-31", "2024-06-03", timeframe="1d"), "24/7", 2, id="a weekend of such a market"),
        pytest.param(window_at("2024-05-31", "2024-06-03", timeframe="1d"), "XNYS", 0, id="a weekend of an exchange"),
        pytest.param(window_at("2024-05-30", "2024-06-03", timeframe="1d"), "XNYS", 1, id="a Friday of an exchange"),
    ],
)
def test_bars_that_the_calendar_expects_are_counted(window: Window, calendar: str, missing: int) -> None:
    (found,) = window_gaps.counted(FOUND, [Up()], window, partial(hours_of, calendar, T0))

    assert found.window_gaps == missing


def test_each_detectors_own_window_counts() -> None:
    window = window_at("2024-06-03T10:00", "2024-06-03T12:00", "2024-06-03T13:00")
    both = [*FOUND, Finding("longer", "UP", Direction.BULLISH, 1.0)]

    found = window_gaps.counted(both, [Up(), Longer()], window, partial(hours_of, "24/7", T0))

    assert [one.window_gaps for one in found] == [0, 1]


def test_a_window_without_holes_asks_no_calendar() -> None:
    window = window_at("2024-06-03T10:00", "2024-06-03T11:00")

    assert [one.window_gaps for one in window_gaps.counted(FOUND, [Up()], window, never)] == [0]
    assert window_gaps.counted([], [Up()], window_at("2024-06-03T10:00", "2024-06-03T13:00"), never) == []


def test_where_the_calendar_is_not_known_nothing_is_counted() -> None:
    window = window_at("2024-06-03T10:00", "2024-06-03T13:00")

    (found,) = window_gaps.counted(FOUND, [Up()], window, lambda: Hours([]))

    assert found.window_gaps is None


@pytest.mark.django_db
def test_a_stored_signal_has_the_bars_that_were_missing_when_it_was_seen(settings: Any) -> None:
    settings.SCANNER_DETECTORS = ["tests.detectors.samples.Up"]
    begin = datetime(2024, 6, 3, tzinfo=UTC)
    bars = [
        {"symbol": "BTCUSDT", "timeframe": "1h", "timestamp": begin + hour * timedelta(hours=1)}
        | dict.fromkeys(("open", "high", "low", "close"), 10.0 + hour)
        for hour in (0, 1, 4)
    ]
    accept(bars, now=T0 + timedelta(days=30))
    symbol = Symbol.objects.get()

    for _ in bars:
        runs.process_head(live_message(symbol))

    assert list(Signal.objects.order_by("id").values_list("window_gaps", flat=True)) == [0, 2]


@pytest.mark.django_db
def test_the_symbols_own_calendar_decides(settings: Any) -> None:
    settings.SCANNER_DETECTORS = ["tests.detectors.samples.Up"]
    bars = [
        {"symbol": "MINE", "timeframe": "1d", "timestamp": datetime(2024, 5, day, tzinfo=UTC)}
        | dict.fromkeys(("open", "high", "low", "close"), float(day))
        for day in (17, 20)
    ]
    accept(bars, now=T0)
    symbol = Symbol.objects.get()
    mailbox.set_calendar(symbol, "24/7", by="olga", now=T0, reason="")

    for _ in bars:
        runs.process_head(live_message(symbol))

    assert Signal.objects.get().window_gaps == 2
