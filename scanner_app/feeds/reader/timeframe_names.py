"""Timeframes as they stand in columns and file names, and timeframes of a length."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from scanner_app.domain.timeframes import TIMEFRAMES, normal_name

_BY_LENGTH: Final = {length: name for name, length in TIMEFRAMES.items() if name != "1M"}

_MINUTES_OF_A_MONTH: Final = "43200"
"""What MetaTrader 4 calls a month: the only number of minutes that is no length."""


def named(length: timedelta) -> str | None:
    """Return the timeframe of a length below a month; None if there is none so long."""
    return _BY_LENGTH.get(length)


def timeframe_of(text: str) -> str | None:
    """Return the timeframe that a text names (`60`, `M15`, `1Min`, `Daily`, `PT1H`, `1wk`), None for none."""
    return "1M" if text == _MINUTES_OF_A_MONTH else normal_name(text.replace("_", " "))
