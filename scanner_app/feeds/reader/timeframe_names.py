"""Other people's names of timeframes, as they stand in columns and file names."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from typing import Final

from scanner_app.domain.timeframes import TIMEFRAMES

_UNITS: Final[dict[str, str]] = {
    name: unit
    for unit, names in {
        "s": "s sec secs second seconds",
        "m": "m min mins minute minutes t",
        "h": "h hr hrs hour hours hourly",
        "d": "d day days daily",
        "w": "w wk wks week weeks weekly",
        "M": "mo mon mth month months monthly mn",
    }.items()
    for name in names.split()
}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_BY_LENGTH: Final = {length: name for name, length in TIMEFRAMES.items() if name != "1M"}
_NUMBER_FIRST = re.compile(r"(\d*)[\s_-]*([A-Za-z]+)", re.ASCII)
_NUMBER_LAST = re.compile(r"(MN|[MHDWS])(\d+)", re.ASCII)
_ISO = re.compile(r"P(T?)(\d+)([SMHDW])", re.ASCII)


def named(length: timedelta) -> str | None:
    """Return the timeframe of a length below a month; None if there is none so long."""
    return _BY_LENGTH.get(length)


@cache
def timeframe_of(text: str) -> str | None:
    """Return the timeframe that a text names (`60`, `M15`, `1Min`, `Daily`, `PT1H`, `1wk`), None for none.

    A number alone is minutes. `1M` and `M` are months, `1m` is a minute.
    """
    text = text.strip()
    if text in TIMEFRAMES:
        return text
    if text.isdecimal() and text.isascii():
        return _of(int(text), "m")
    if parts := _ISO.fullmatch(text):
        unit = "M" if parts[3] == "M" and not parts[1] else parts[3].lower()
        return _of(int(parts[2]), unit)
    if parts := _NUMBER_LAST.fullmatch(text):
        return _of(int(parts[2]), {"MN": "M"}.get(parts[1], parts[1].lower()))
    if parts := _NUMBER_FIRST.fullmatch(text):
        word = parts[2]
        unit = "M" if word == "M" else _UNITS.get(word.lower(), "")
        return _of(int(parts[1] or 1), unit) if unit else None
    return None


def _of(count: int, unit: str) -> str | None:
    months = {"M": count, "m": count // 43_200 if count and not count % 43_200 else 0}.get(unit, 0)
    if months:
        return "1M" if months == 1 else None
    if unit == "M" or not 0 < count < 10_000:
        return "1w" if (count, unit) == (10_080, "m") else None
    return named(timedelta(seconds=count * _SECONDS[unit]))
