"""Time zones by the names that files and people use. Every zone is a `tzinfo`; a name that means several is none."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_HOURS: Final[dict[str, float]] = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0,
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "HKT": 8, "SGT": 8, "AWST": 8,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3,
}  # fmt: skip
"""Abbreviations with one meaning, as hours from UTC. CST (Chicago, Shanghai), IST, BST and AST have several."""

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?(?::?\d{2})?")


@cache
def zone_named(name: str) -> tzinfo | None:
    """Return the zone of an IANA name, an offset (`+02:00`, `UTC+2`) or an abbreviation; None if it is no one zone."""
    name = name.strip()
    if (hours := _HOURS.get(name.upper())) is not None:
        return timezone(timedelta(hours=hours)) if hours else UTC
    if parts := _OFFSET.fullmatch(name.upper()):
        offset = timedelta(hours=int(parts[2]), minutes=int(parts[3] or 0))
        return timezone(-offset if parts[1] == "-" else offset) if offset < timedelta(hours=24) else None
    if "/" not in name and name not in {"Japan", "Singapore", "Hongkong", "Israel", "Turkey", "Iran", "Poland"}:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def did_you_mean(name: str) -> str:
    """Return what to write in place of an unknown zone, as the end of a sentence."""
    known = sorted(available_timezones())
    by_plain = {each.casefold(): each for each in known}
    close = get_close_matches(name.strip().replace(" ", "_").casefold(), by_plain, n=1, cutoff=0.7)
    example = by_plain[close[0]] if close else "America/New_York"
    return f"did you mean {example}?" if close else f"a zone is named like {example}, UTC or +02:00"
