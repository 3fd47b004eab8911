"""Bodies in the shape of other programs' bars, refused by a sentence that says what to send instead.

Read as bars of ours they would be refused too, but with a message about each bar's missing fields, which sends people
looking in the wrong place. What is not plainly one of these shapes is left to ingest.
"""

from collections.abc import Mapping
from typing import Any, Final

WANTED: Final = (
    'Send a bar or a list of bars, each as {"symbol": "TSLA", "timeframe": "1m", "timestamp": "2024-05-31T13:30:00Z", '
    '"open": 178.5, "high": 180.3, "low": 177.9, "close": 178.1, "volume": 67314}'
)

FILE: Final = "a file of this shape is read by `manage.py replay FILE`"

NAMELESS_FILE: Final = "a file of this shape is read by `manage.py replay FILE --symbol SYMBOL`"

SHORT: Final = frozenset("tohlc")
"""What Alpaca and Polygon call time, open, high, low and close."""


def refusal(data: Any) -> str | None:
    """Why a body is refused, with the shape wanted and the command that reads such a file; None: it is not foreign."""
    match data:
        case [[int() | float(), _, _, _, _, *_], *_] | [int() | float(), _, _, _, _, *_]:
            shape = "These are rows of numbers, as ccxt and exchanges have them: [[time, open, high, low, close, …], …]"
            return f"{shape}. {WANTED}; {NAMELESS_FILE}."
        case {"bars": [bar, *_]} | {"results": [bar, *_]} if isinstance(bar, Mapping) and _has_ours(bar):
            return f"Send the list of bars itself, not an object that holds it. {WANTED}."
        case {"bars": [] | [{}, *_] | {} | None, **others} if not _has_ours(others):
            shape = 'This is an answer of Alpaca: {"bars": …, "next_page_token": …}'
        case {"results": [] | [{}, *_], **others} if not _has_ours(others):
            shape = 'This is an answer of Polygon: {"ticker": …, "results": [{"t", "o", "h", "l", "c", "v"}, …]}'
        case [bar, *_] if _is_short(bar):
            shape = 'These bars have short names, as those of Alpaca and Polygon: "t", "o", "h", "l", "c", "v"'
        case _ if _is_short(data):
            shape = 'This bar has short names, as those of Alpaca and Polygon: "t", "o", "h", "l", "c", "v"'
        case _:
            return None
    return f"{shape}. {WANTED}; {FILE}."


def _is_short(bar: Any) -> bool:
    return isinstance(bar, Mapping) and bar.keys() >= SHORT and not _has_ours(bar)


def _has_ours(bar: Mapping[Any, Any]) -> bool:
    return bool(bar.keys() & {"timestamp", "open", "close"})
