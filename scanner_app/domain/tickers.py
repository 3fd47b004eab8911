"""The rules for tickers."""

import re
from typing import Final

MAX_LENGTH: Final = 32

_ALLOWED: Final = re.compile(r"[A-Za-z0-9.\-/:^=_]+")

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
        raise ValueError(f"{text!r} may only have ASCII letters, digits and . - / : ^ = _")
    for segment in text.split("/"):
        if segment in {"", ".", ".."} or segment.lower() in ACTION_NAMES:
            raise ValueError(f"{text!r} has the path segment {segment!r}, which can't be addressed")
    return text.upper()
