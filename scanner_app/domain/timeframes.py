"""The timeframes that bars may have, shortest first, and other people's names for them.

Those are the names of vendors' interfaces, charting programs, data-frame libraries and ISO 8601. Understood are a
number and a unit (`60m`, `1Min`, `5 mins`, `4H`, `5T`), in either order (`M15`, `H4`, `MN1`, `Min60`), words (`Daily`,
`minute`, `ONE_HOUR`), a number alone, which means minutes (`240`), and durations (`PT1H`, `P1D`). Only one letter needs
its case: `m` is minutes and `M` months, as in our own names, except before a number (`M15`: minutes). What has the
length of a timeframe has its name (`24h` is `1d`), but a month is no number of days.
"""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Final

TIMEFRAMES: Final[dict[str, timedelta]] = {
    "1s": timedelta(seconds=1),
    "1m": timedelta(minutes=1),
    "2m": timedelta(minutes=2),
    "3m": timedelta(minutes=3),
    "5m": timedelta(minutes=5),
    "10m": timedelta(minutes=10),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "3h": timedelta(hours=3),
    "4h": timedelta(hours=4),
    "6h": timedelta(hours=6),
    "8h": timedelta(hours=8),
    "12h": timedelta(hours=12),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "1w": timedelta(weeks=1),
    "1M": timedelta(days=30),
}
"""Name and nominal length. A month has no fixed length; 30 days are enough for ordering and for staleness."""

RANK: Final[dict[str, int]] = {name: rank for rank, name in enumerate(TIMEFRAMES)}
"""Rank of each timeframe by length, 0 for the shortest."""

MAX_NAME_LENGTH: Final = 24
"""Characters of the longest name that is looked at: a client may send a megabyte."""

_UNITS: Final[dict[str, str]] = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "m", "t": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "d": "d", "day": "d", "days": "d",
    "w": "w", "wk": "w", "wks": "w", "week": "w", "weeks": "w",
    "mn": "M", "mo": "M", "mon": "M", "mth": "M", "month": "M", "months": "M",
}  # fmt: skip
"""The unit by its name in lower case; `M` is a month (see above), `t` pandas' minute, `mn` MetaTrader's month."""

_WORDS: Final[dict[str, str]] = {
    "minutely": "1m", "hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "1M",
}  # fmt: skip

_NUMBERS: Final[dict[str, int]] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10, "twelve": 12,
    "fifteen": 15, "thirty": 30,
}  # fmt: skip
"""Numbers as some vendors write them: `ONE_MINUTE`, `FIFTEEN_MINUTE`, `SIX_HOUR`."""

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

_BY_SECONDS: Final = {int(length.total_seconds()): name for name, length in TIMEFRAMES.items() if name != "1M"}

_NUMBER_UNIT: Final = re.compile(r"(\d{1,6}|[a-z]+)[ _-]?([a-z]+)", re.ASCII | re.IGNORECASE)
_UNIT_NUMBER: Final = re.compile(r"([a-z]+)[ _-]?(\d{1,6})", re.ASCII | re.IGNORECASE)
_DURATION: Final = re.compile(r"P(?:(\d{1,6})([DWM])|T(\d{1,6})([HMS]))", re.ASCII | re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d{1,6}", re.ASCII)


def normal_name(text: str) -> str | None:
    """Our name of a timeframe (`1m`, `1h`, `1d`, …); None if the text is no name of a timeframe that bars may have."""
    if text in TIMEFRAMES:
        return text
    return _understood(text.strip()) if len(text) <= MAX_NAME_LENGTH else None


@lru_cache(maxsize=1_000)
def _understood(text: str) -> str | None:
    if text in TIMEFRAMES:
        return text
    if word := _WORDS.get(text.lower()):
        return word
    if _DIGITS.fullmatch(text):
        return _named(int(text), "m")
    if duration := _DURATION.fullmatch(text):
        days, of_days, clock, of_clock = duration.groups()
        # In ISO 8601 the M before the T is months, the one after it minutes.
        return _named(int(days), _unit_of(of_days.upper())) if days else _named(int(clock), of_clock.lower())
    if unit := _unit_of(text):
        return _named(1, unit)
    if (parts := _NUMBER_UNIT.fullmatch(text)) and (number := _number(parts[1])) is not None:
        return _named(number, _unit_of(parts[2]))
    if parts := _UNIT_NUMBER.fullmatch(text):
        return _named(int(parts[2]), _UNITS.get(parts[1].lower()))  # here M is minutes: M15, and months are MN1
    return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else _NUMBERS.get(text.lower())


def _unit_of(text: str) -> str | None:
    return "M" if text == "M" else _UNITS.get(text.lower())


def _named(number: int, unit: str | None) -> str | None:
    """The timeframe of this many units; None if there is none."""
    if unit is None:
        return None
    if unit == "M":
        return "1M" if number == 1 else None
    return _BY_SECONDS.get(number * _SECONDS[unit])
