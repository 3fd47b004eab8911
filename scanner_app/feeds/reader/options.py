"""What the person who feeds a file says about it. What is not said is inferred from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

DateOrder = Literal["dmy", "mdy", "ymd"]
Decimal = Literal[".", ","]

COLUMN_FIELDS: Final = ("timestamp", "date", "time", "open", "high", "low", "close", "volume", "symbol", "timeframe")
"""What `--columns` may name. `date` and `time` are a timestamp in two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to read a file, each None or empty where the file is to show it.

    `columns` maps fields to names in the header, or to the columns' numbers, the first being 1.
    `timezone` is the zone of times that name none: an IANA name or an offset such as `+02:00`.
    """

    symbol: str | None = None
    timeframe: str | None = None
    timezone: str | None = None
    date_order: DateOrder | None = None
    decimal: Decimal | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    no_header: bool = False


def columns_from_text(text: str) -> Mapping[str, str]:
    """Read `timestamp=Zeit,open=Kurs,close=5`. Raises ValueError that names the part which is wrong."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or not column or name not in COLUMN_FIELDS:
            known = ", ".join(COLUMN_FIELDS)
            raise ValueError(f"{part.strip()!r} is not FIELD=COLUMN, FIELD being one of {known}")
        if name in found:
            raise ValueError(f"{name} is named twice")
        found[name] = column
    return MappingProxyType(found)
