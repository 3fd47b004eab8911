"""What a hook's messages call our symbols: {their name: our ticker}. A name that is not in it is our ticker.

Names are compared in upper case, as tickers are.
"""

from collections.abc import Mapping
from typing import Any, Final

from scanner_app.domain import tickers
from scanner_app.feeds.hooks.mapping import MAX_TEXT

MAX_NAMES: Final = 1_000
"""Names of one hook."""

EQUALS: Final = "="
"""Between the two in a line. Tickers may have one too (`EURUSD=X`), so the one with spaces around it counts."""


def checked(wanted: object) -> dict[str, str]:
    """The names, in the form in which they are stored. Raises ValueError, which names the one that is wrong."""
    if not isinstance(wanted, Mapping):
        raise ValueError("must be an object of their names to our tickers")
    if len(wanted) > MAX_NAMES:
        raise ValueError(f"may have {MAX_NAMES:,} names, not {len(wanted):,}")
    found: dict[str, str] = {}
    for name, ticker in wanted.items():
        theirs = name.strip().upper()
        if not (1 <= len(theirs) <= MAX_TEXT and theirs.isprintable()):
            raise ValueError(f"{name[:MAX_TEXT]!r} is no name: it must have 1 to {MAX_TEXT} printable characters")
        if theirs in found:
            raise ValueError(f"{name!r} is there twice")
        try:
            found[theirs] = tickers.normalise(ticker)
        except ValueError as exc:
            raise ValueError(f"the ticker of {name!r} {exc}") from None
    return found


def from_lines(text: str) -> dict[str, str]:
    """The same from lines such as `BINANCE:BTCUSDT = BTC/USD`. Raises ValueError."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, ticker = line.partition(f" {EQUALS} ")
        if not equals:
            raise ValueError(f"{line.strip()[:MAX_TEXT]!r} is no line like: their name {EQUALS} our ticker")
        if name.strip() in found:
            raise ValueError(f"{name.strip()!r} is there twice")
        found[name.strip()] = ticker.strip()
    return checked(found)


def as_lines(names: Mapping[str, str]) -> str:
    """The lines that `from_lines` reads."""
    return "\n".join(f"{theirs} {EQUALS} {ours}" for theirs, ours in names.items())


def ours(names: Mapping[str, str], symbol: Any) -> Any:
    """Our ticker of what a message calls a symbol; what is no text is left for ingest to refuse."""
    return names.get(symbol.strip().upper(), symbol) if isinstance(symbol, str) else symbol
