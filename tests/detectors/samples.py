"""Detectors to load by path, good and bad ones, and windows to run them on."""

from dataclasses import fields
from typing import Any

import numpy as np

from scanner_app.detectors import Signal, Window

COLUMNS = tuple(field.name for field in fields(Window) if field.name not in {"symbol", "timeframe"})


def window(close, *, open=None, high=None, low=None, volume=None):  # noqa: A002 - as in a bar
    """Daily bars; without the other prices each bar reaches 1 above and below its close."""
    close = np.asarray(close, dtype=float)
    return Window.of(
        symbol="TEST",
        timeframe="1d",
        timestamps=np.datetime64("2024-01-01", "us") + np.arange(len(close)) * np.timedelta64(1, "D"),
        open=close if open is None else open,
        high=close + 1 if high is None else high,
        low=close - 1 if low is None else low,
        close=close,
        volume=np.full(len(close), 1000.0) if volume is None else volume,
    )


def window_of_series(series):
    return Window.of(
        symbol=series.symbol,
        timeframe=series.timeframe,
        **{name: getattr(series, name) for name in COLUMNS},
    )


def every_bar(whole, bars):
    """What a worker sees bar by bar: for each bar its number, and the window that ends in it."""
    for index in range(len(whole)):
        seen = slice(max(0, index + 1 - bars), index + 1)
        columns = {name: getattr(whole, name)[seen] for name in COLUMNS}
        yield index, Window(symbol=whole.symbol, timeframe=whole.timeframe, **columns)


class Up:
    name: Any = "up"  # Any, for the bad ones below inherit from it
    bars_needed: Any = 2
    version: Any = "1.2"

    def detect(self, window):
        if len(window) == 2 and window.close[-1] > window.close[-2]:
            yield Signal("UP", "bullish", 1)


class AlsoUp(Up):
    pass


class Longest(Up):
    name = "n" * 64
    bars_needed = 5000


class NoName:
    bars_needed = 1
    detect = Up.detect


class NoBarsNeeded:
    name = "x"
    detect = Up.detect


class NoDetect:
    name = "x"
    bars_needed = 1


class DetectIsNoMethod:
    name = "x"
    bars_needed = 1
    detect = "a string"


class EmptyName(Up):
    name = ""


class BlankName(Up):
    name = "  "


class NameTooLong(Up):
    name = "n" * 65


class NameWithNul(Up):
    name = "up\x00"


class NameIsNoString(Up):
    name = 7


class NoBars(Up):
    bars_needed = 0


class TooManyBars(Up):
    bars_needed = 5001


class BarsAsBool(Up):
    bars_needed = True


class BarsAsFloat(Up):
    bars_needed = 2.0


class NeedsAnArgument(Up):
    def __init__(self, argument):
        pass


INSTANCE = Up()
