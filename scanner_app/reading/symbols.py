"""Finding symbols by a ticker that somebody typed: in upper or lower case, perhaps one that no symbol can have."""

from collections.abc import Iterable

from django.db.models import QuerySet

from scanner_app.domain import tickers
from scanner_app.domain.errors import ScannerError
from scanner_app.models import Symbol


class SymbolNotFound(ScannerError):
    """No symbol has this ticker."""

    def __init__(self, ticker: str) -> None:
        super().__init__(f"Symbol {ticker} not found")


def matching(text: str, among: QuerySet[Symbol] | None = None) -> QuerySet[Symbol]:
    """The query for the symbol with this ticker: one row or none.

    `among`: the symbols to search. By default all but those that are being deleted.
    """
    searched, ticker = _searched(among), _ticker(text)
    return searched.none() if ticker is None else searched.filter(ticker=ticker)


def find(text: str, among: QuerySet[Symbol] | None = None) -> Symbol | None:
    """The symbol with this ticker, or None. At most one query. `among` as for `matching`."""
    return matching(text, among).first()


def get(text: str, among: QuerySet[Symbol] | None = None) -> Symbol:
    """The symbol with this ticker. Raises SymbolNotFound. `among` as for `matching`."""
    if (symbol := find(text, among)) is None:
        raise SymbolNotFound(text.upper())
    return symbol


def find_all(texts: Iterable[str], among: QuerySet[Symbol] | None = None) -> tuple[list[Symbol], list[str]]:
    """The symbols with these tickers, and the tickers, in upper case, that no symbol has. One query.

    Both are in the order of `texts`, without repetitions.
    """
    wanted = list(dict.fromkeys(text.upper() for text in texts))
    possible = [name for name in wanted if _ticker(name) is not None]
    known = {symbol.ticker: symbol for symbol in _searched(among).filter(ticker__in=possible)}
    return [known[name] for name in wanted if name in known], [name for name in wanted if name not in known]


def _ticker(text: str) -> str | None:
    """The ticker as it is stored; None if no symbol can have it."""
    # Such a text must not reach the database: PostgreSQL raises an error for NUL and for half of a surrogate pair.
    try:
        return tickers.normalise(text)
    except ValueError:
        return None


def _searched(among: QuerySet[Symbol] | None) -> QuerySet[Symbol]:
    return Symbol.objects.filter(deleted_at=None) if among is None else among
