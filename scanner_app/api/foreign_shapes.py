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

CAPITALS: Final = frozenset({"Open", "High", "Low", "Close"})
"""What data frames of yfinance call the prices."""

HOLDS: Final = "This is an answer of an exchange or a vendor: an object that holds the bars"

HOLDERS: Final = ("data", "result", "results", "list", "candles", "values", "klines", "historical", "bars")
"""Names under which exchanges and vendors put the bars of an answer."""


def refusal(data: Any) -> str | None:
    """Why a body is refused, with the shape wanted and the command that reads such a file; None: it is not foreign."""
    first = data[0] if isinstance(data, list) and data else data
    if _is_row(first) or _is_row(data):
        shape = "These are rows of numbers, as ccxt and exchanges have them: [[time, open, high, low, close, …], …]"
        return f"{shape}. {WANTED}; {NAMELESS_FILE}."
    held = _held(data) if isinstance(data, Mapping) else None
    if isinstance(held, Mapping) and _has_ours(held):
        return f"Send the list of bars itself, not an object that holds it. {WANTED}."
    shape = _answer(data) or _names(first) or ("" if held is None else HOLDS)
    return f"{shape}. {WANTED}; {FILE}." if shape else None


def _answer(data: Any) -> str:
    """What a vendor's answer or message is, "" for others."""
    match data:
        case {"bars": [] | [{}, *_] | {} | None, **others} if not _has_ours(others):
            return 'This is an answer of Alpaca: {"bars": …, "next_page_token": …}'
        case {"results": [] | [{}, *_], **others} if not _has_ours(others):
            return 'This is an answer of Polygon: {"ticker": …, "results": [{"t", "o", "h", "l", "c", "v"}, …]}'
        case {"chart": {"result": _}}:
            return 'This is an answer of Yahoo: {"chart": {"result": …}}'
        case {"Meta Data": _}:
            return 'This is an answer of Alpha Vantage: {"Meta Data": …, "Time Series …": …}'
        case {"e": "kline", "k": {}} | {"data": {"e": "kline", "k": {}}}:
            return 'This is a message of Binance\'s stream: {"e": "kline", "k": …}'
        case _:
            return ""


def _names(bar: Any) -> str:
    """How the values of a bar, or of an object of columns, are named if not as ours, "" for others."""
    if _is_columns(bar):
        return "These are columns of values, as pandas, yfinance and Finnhub have them, not one bar after the other"
    if _is_short(bar):
        return 'These bars have short names, as those of Alpaca and Polygon: "t", "o", "h", "l", "c", "v"'
    if isinstance(bar, Mapping) and bar.keys() >= CAPITALS:
        return 'These names are not ours but as yfinance and pandas have them: "Open", "High", "Low", "Close"'
    return ""


def _is_short(bar: Any) -> bool:
    return isinstance(bar, Mapping) and bar.keys() >= SHORT and not _has_ours(bar)


def _has_ours(bar: Mapping[Any, Any]) -> bool:
    return bool(bar.keys() & {"timestamp", "open", "close"})


def _is_columns(data: Any) -> bool:
    """Whether it is an object of the columns of bars, each an array or an object of values by their times."""
    if not isinstance(data, Mapping):
        return False
    many = {str(name).casefold() for name, value in data.items() if _is_many(value)}
    return many >= {"open", "high", "low", "close"} or many >= {"o", "h", "l", "c"} or many >= {"columns", "data"}


def _is_many(value: Any) -> bool:
    return isinstance(value, list | Mapping)


def _is_row(row: Any) -> bool:
    """Whether it is a bar as an array: a time and four prices at least, as numbers or as texts of them."""
    if not isinstance(row, list) or len(row) < len(SHORT):
        return False
    numbers = (isinstance(cell, str) and cell.replace(".", "", 1).isdecimal() for cell in row[: len(SHORT)])
    return isinstance(row[0], int | float) or all(numbers)


def _held(data: Mapping[Any, Any], depth: int = 3) -> Any:
    """Return the first bar in the arrays that an object holds under the usual names; None if there is none."""
    for name in HOLDERS:
        match data.get(name):
            case [bar, *_] if _is_row(bar) or _names(bar) or (isinstance(bar, Mapping) and _has_ours(bar)):
                return bar
            case {} as inner if depth and (found := _held(inner, depth - 1)) is not None:
                return found
    return None
