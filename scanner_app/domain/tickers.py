"""The rules for tickers, and patterns of them."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

MAX_LENGTH: Final = 32

CANARY: Final = "#canary"
"""The symbol on which drills are held. In lower case, so that no symbol of a user can ever have it."""

MAX_PATTERN: Final = 64
"""Characters of a pattern: `[AB]` is longer than what it stands for."""

_ALLOWED: Final = re.compile(r"[ !-+\--\[\]-~]+")
"""Printable ASCII without the comma, which separates tickers in lists, and the backslash, which escapes in others."""

ACTION_NAMES: Final = frozenset(
    {"status", "explain", "timeline", "gaps", "reset", "skip", "enable", "disable", "replay", "discard"}
)
"""Last segments of the URLs of a symbol: a ticker with such a segment would make its URL ambiguous."""


def normalise(text: object) -> str:
    """The ticker in upper case, as it is stored. Raises ValueError, which says what is wrong with it."""
    if not isinstance(text, str):
        raise ValueError(f"must be text, not {type(text).__name__}")
    if not 1 <= len(text) <= MAX_LENGTH:
        raise ValueError(f"must have 1 to {MAX_LENGTH} characters, {text[:MAX_LENGTH]!r} has {len(text)}")
    if not _ALLOWED.fullmatch(text):
        raise ValueError(f"{text!r} may only have printable ASCII characters, but no comma and no backslash")
    if text.lower() == CANARY:
        raise ValueError(f"{text!r} is the scanner's own: drills are held on it, and nobody else's bars are taken")
    if text.strip() != text:
        raise ValueError(f"{text!r} may have spaces inside, but not at its ends")
    for segment in text.split("/"):
        if segment in {"", ".", ".."}:
            raise ValueError(f"{text!r} has the path segment {segment!r}, which can't be addressed")
        if segment.lower() in ACTION_NAMES:
            raise ValueError(f"{text!r} has the path segment {segment!r}, which is the name of an action or a view")
    return text.upper()


def check_pattern(text: str) -> str:
    """The pattern of tickers in upper case. Raises ValueError if no ticker can fit it."""
    if not _ALLOWED.fullmatch(text):
        raise ValueError(f"must be tickers or patterns of tickers such as CL=F or *-SPREAD; {text!r} is none")
    return text.upper()


def fitting(ticker: str, patterns: Iterable[str]) -> str | None:
    """The pattern that counts for the ticker: itself if it is listed, else the first that fits; None if none does.

    In a pattern `*` is any characters, `?` one and `[AB]` one of these. A ticker may have such characters too, so
    the exact ticker wins. Ticker and patterns are in upper case.
    """
    listed = tuple(patterns)
    if ticker in listed:
        return ticker
    return next((pattern for pattern in listed if fnmatchcase(ticker, pattern)), None)


def is_pattern(text: str) -> bool:
    """Whether it may fit tickers other than itself."""
    return any(character in text for character in "*?[")


def as_regex(pattern: str) -> str:
    """The pattern as a regular expression that Python and PostgreSQL read alike, for the whole ticker."""
    parts = re.split(r"(\*|\?|\[!?\]?[^\]]*\])", pattern)  # what stands for others is every second part
    return f"^{''.join(_part(part) if place % 2 else re.escape(part) for place, part in enumerate(parts))}$"


def _part(wild: str) -> str:
    if wild in "*?":
        return {"*": ".*", "?": "."}[wild]
    inside = wild[1:-1]
    negated, inside = ("^", inside[1:]) if inside.startswith("!") else ("", inside)
    escaped = re.sub(r"[^\w-]", r"\\\g<0>", inside)
    return f"[{negated}{escaped}]"


def in_order(known: Iterable[str], listed: Sequence[str]) -> list[str]:
    """The known tickers that a list of tickers and patterns names, each once, in the list's order.

    The tickers that one pattern names stand in the order of the alphabet.
    """
    left = sorted(known)
    exact = set(left) & set(listed)
    found: dict[str, None] = {}
    for entry in listed:
        fits = [entry] if entry in exact else [one for one in left if fnmatchcase(one, entry)]
        found.update(dict.fromkeys(fits))
    return list(found)
