"""Watch lists of users, and the symbols that they name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet

from scanner_app.domain import tickers
from scanner_app.models import Symbol, WatchList
from scanner_app.signals import names

MAX_LISTS = 200
"""Watch lists of one user: far more than anybody looks at, and a limit to what a program makes by mistake."""

MAX_ENTRIES = 1_000
"""Tickers and patterns of one list. For more symbols there are patterns."""


def readable(user: User | AbstractBaseUser | AnonymousUser) -> QuerySet[WatchList]:
    """The lists that the user may read and use: his own and the shared ones."""
    return WatchList.objects.filter(Q(owner_id=user.pk) | Q(shared=True)).select_related("owner")


def add(owner: User, *, name: str, symbols: Sequence[str], shared: bool, now: datetime) -> WatchList:
    """Make a list. `symbols`: as `entries` returns them. Raises NameTaken and TooMany."""
    if owner.watch_lists.count() >= MAX_LISTS:
        raise names.TooMany(f"You have {MAX_LISTS} watch lists, the most that one user may have. Delete one first.")
    made = WatchList(owner=owner, name=name, symbols=list(symbols), shared=shared, created_at=now)
    _save(made)
    return made


def change(watch_list: WatchList, **values: Any) -> None:
    """Change `name`, `symbols` or `shared`. Raises NameTaken."""
    for field, value in values.items():
        setattr(watch_list, field, value)
    if values:
        _save(watch_list, update_fields=list(values))


def _save(watch_list: WatchList, **how: Any) -> None:
    names.save(watch_list, f"You have another watch list with the name {watch_list.name!r}.", **how)


def entries(given: Sequence[object]) -> list[str]:
    """Tickers and patterns in upper case, each once, in their order. Raises ValueError, which names a wrong one."""
    if len(given) > MAX_ENTRIES:
        raise ValueError(f"may have {MAX_ENTRIES:,} entries, not {len(given):,}; patterns such as *USDT name many")
    for one in given:
        if not isinstance(one, str):
            raise ValueError(f"must be a list of text, {one!r} is none")
        if len(one) > tickers.MAX_PATTERN:
            raise ValueError(f"may have entries of {tickers.MAX_PATTERN} characters, {one[:80]!r} has {len(one)}")
    return list(dict.fromkeys(tickers.check_pattern(str(one)) for one in given))


def symbols_of(watch_list: WatchList) -> QuerySet[Symbol]:
    """The symbols that the list names now, without an order: to select by them in other queries."""
    exact = set(Symbol.objects.filter(ticker__in=watch_list.symbols).values_list("ticker", flat=True))
    wanted = Q(ticker__in=exact)
    for entry in watch_list.symbols:
        if entry not in exact and tickers.is_pattern(entry):
            wanted |= Q(ticker__regex=tickers.as_regex(entry))
    return Symbol.objects.filter(wanted, deleted_at=None)


def tickers_of(watch_list: WatchList) -> list[str]:
    """The tickers that the list names now, in the list's order."""
    return tickers.in_order(symbols_of(watch_list).values_list("ticker", flat=True), watch_list.symbols)
