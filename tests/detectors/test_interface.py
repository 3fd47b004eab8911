import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from scanner_app import detectors
from scanner_app.detectors import Detector, Direction, Signal, Window

from .samples import COLUMNS, Up, window

ONE = np.ones(1)
NEW_YEAR = np.array(["2024-01-01"], dtype="datetime64[us]")


def one_bar(**changes):
    numbers = dict.fromkeys(("open", "high", "low", "close", "volume"), ONE)
    return {"symbol": "A", "timeframe": "1d", "timestamps": NEW_YEAR} | numbers | changes


def test_the_package_offers_what_the_contract_names():
    assert {"BarUnusable", "Detector", "Direction", "Signal", "Window", "load"} <= set(detectors.__all__)
    assert all(hasattr(detectors, name) for name in detectors.__all__)


def test_detectors_run_without_django_celery_or_a_database():
    code = (
        "import sys, scanner_app.detectors.candlesticks, scanner_app.detectors.wyckoff;"
        "print(sorted({'django', 'celery', 'sqlite3', 'redis'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_a_signal_is_a_plain_value_made_by_position():
    signal = Signal("CDLDOJI", "neutral", 100)

    assert signal == Signal(pattern="CDLDOJI", direction=Direction.NEUTRAL, strength=100.0)
    assert (signal.pattern, signal.direction, signal.strength) == ("CDLDOJI", "neutral", 100)


def test_signals_and_windows_cannot_be_changed():
    signal, whole = Signal("A", "bullish", 1), window([1, 2])

    with pytest.raises(FrozenInstanceError):
        setattr(signal, "strength", 2)  # noqa: B010 - mypy refuses the plain form
    with pytest.raises(FrozenInstanceError):
        whole.close = np.zeros(2)


@pytest.mark.parametrize("column", COLUMNS)
def test_no_detector_can_write_into_a_window_or_its_views(column):
    whole = window([1, 2, 3])

    for seen in (whole, whole.last(2)):
        with pytest.raises(ValueError, match="read-only"):
            getattr(seen, column)[0] = getattr(seen, column)[-1]


def test_a_window_keeps_its_values_when_the_caller_goes_on_with_his_arrays():
    close = np.array([1.0, 2.0])
    kept = window(close)

    close[0] = 99

    assert kept.close.tolist() == [1, 2]
    assert close.flags.writeable


@pytest.mark.parametrize(
    ("n", "closes"),
    [
        pytest.param(1, [3], id="only the newest"),
        pytest.param(2, [2, 3], id="the newest two, in their order"),
        pytest.param(3, [1, 2, 3], id="exactly all"),
        pytest.param(4, [1, 2, 3], id="more than there are: all"),
    ],
)
def test_last_gives_the_newest_bars(n, closes):
    whole = window([1, 2, 3])

    newest = whole.last(n)

    assert newest.close.tolist() == closes
    assert len(newest) == len(closes)
    assert newest.timestamps[-1] == whole.timestamps[-1]
    assert (newest.symbol, newest.timeframe) == ("TEST", "1d")
    assert all(np.shares_memory(getattr(newest, each), getattr(whole, each)) for each in COLUMNS)


@pytest.mark.parametrize("n", [0, -1])
def test_last_refuses_less_than_one_bar(n):
    with pytest.raises(ValueError, match="at least 1 bar"):
        window([1, 2]).last(n)


def test_aware_datetimes_of_any_zone_become_utc():
    new_york = timezone(timedelta(hours=-5))
    times = [datetime(2024, 1, 1, 9, 30, 0, 1, tzinfo=new_york), datetime(2024, 1, 1, 15, tzinfo=UTC)]

    made = Window.of(**one_bar(timestamps=times) | dict.fromkeys(COLUMNS[1:], np.ones(2)))

    assert made.timestamps.dtype == "datetime64[us]"
    assert made.timestamps.astype(str).tolist() == [
        "2024-01-01T14:30:00.000001",
        "2024-01-01T15:00:00.000000",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"timestamps": [datetime(2024, 1, 1)]}, "aware", id="a naive time"),  # noqa: DTZ001
        pytest.param({"close": np.ones(2)}, "close has 2 bars, but timestamps 1", id="one column longer"),
        pytest.param({"volume": []}, "volume has 0 bars", id="one column empty"),
        pytest.param({"low": np.ones((1, 1))}, "low must be", id="a table for a column"),
        pytest.param({"timestamps": np.repeat(NEW_YEAR, 2)}, "ascend", id="one time twice"),
        pytest.param(
            {"timestamps": np.array(["2024-01-02", "2024-01-01"], "datetime64[us]")},
            "ascend",
            id="newest first",
        ),
    ],
)
def test_a_window_refuses_columns_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        Window.of(**one_bar(**changes))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"close": np.ones(1)}, id="writeable"),
        pytest.param({"close": np.broadcast_to(np.float32(1), 1)}, id="single precision"),
        pytest.param({"timestamps": np.broadcast_to(np.datetime64("2024-01-01", "s"), 1)}, id="seconds"),
    ],
)
def test_the_bare_constructor_takes_only_finished_columns(change):
    finished = {name: getattr(window([1]), name) for name in COLUMNS}

    assert len(Window(symbol="A", timeframe="1d", **finished)) == 1
    with pytest.raises(ValueError, match=r"use Window\.of\(\)"):
        Window(symbol="A", timeframe="1d", **finished | change)


def test_any_class_of_the_right_shape_is_a_detector():
    assert isinstance(Up(), Detector)
    assert not isinstance(object(), Detector)
