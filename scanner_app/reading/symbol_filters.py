"""Choosing symbols by how they are doing: for lists, for the admin's filters, and for actions on all that match."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from scanner_app.conf import breaker_rules
from scanner_app.domain.enums import SymbolState
from scanner_app.models import Symbol
from scanner_app.reading import symbol_status, symbols


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the symbols must have; None: anything."""

    symbol: str | None = None  # a ticker, whatever its case
    state: str | None = None  # a SymbolState
    retrying: bool | None = None  # enabled, with a head that failed and waits for its retry or runs as the probe
    error_type: str | None = None  # of the last failure, while it has not been followed by a success
    enabled: bool | None = None

    @property
    def empty(self) -> bool:
        """Whether it chooses all symbols."""
        return self == Filter()

    @property
    def chosen(self) -> dict[str, Any]:
        """What it asks for, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def matching(wanted: Filter, now: datetime) -> QuerySet[Symbol]:
    """The symbols that the filter chooses at the time `now`, by ticker; none if its symbol does not exist."""
    found = symbol_status.shown_symbols().order_by("ticker")
    if wanted.symbol is not None:
        found = found.filter(pk__in=symbols.matching(wanted.symbol).values("pk"))
    if wanted.state is not None:
        found = found.filter(in_state(wanted.state, now))
    if wanted.retrying is not None:
        found = found.filter(is_retrying(now) if wanted.retrying else ~is_retrying(now))
    if wanted.error_type is not None:
        found = found.filter(fails_with(wanted.error_type))
    if wanted.enabled is not None:
        found = found.filter(enabled=wanted.enabled)
    return found


def circuit(now: datetime) -> dict[str, Q]:
    """The condition of each state of a breaker, which follows from the time at which it opened."""
    half_open_since = now - breaker_rules().recovery
    return {
        "closed": Q(breaker__opened_at=None),
        "open": Q(breaker__opened_at__gt=half_open_since),
        "half_open": Q(breaker__opened_at__lte=half_open_since),
    }


def in_state(state: str, now: datetime) -> Q:
    """The condition of a symbol's state: the rules of `symbol_status.symbol_state`."""
    match state:
        case SymbolState.PROCESSING:
            return Q(enabled=True, status__attempts=0) & circuit(now)["closed"]
        case SymbolState.FAILED:
            return Q(enabled=True) & circuit(now)["open"]
        case _:
            return Q(enabled=False) | is_retrying(now)


def is_retrying(now: datetime) -> Q:
    """The condition of a symbol whose head failed and waits for its retry, or is or will be the probe."""
    breaker = circuit(now)
    return Q(enabled=True) & (breaker["half_open"] | (breaker["closed"] & Q(status__attempts__gt=0)))


def fails_with(error_type: str) -> Q:
    """The condition of a symbol whose last failure had this type, and which has had no success since."""
    return Q(breaker__failures__gt=0, status__last_error__startswith=f"{error_type}: ")


def error_types(limit: int) -> list[str]:
    """The types of errors that symbols fail with now, at most so many, by name. One query."""
    rows = Symbol.objects.filter(deleted_at=None, breaker__failures__gt=0).order_by()
    errors = rows.values_list("status__last_error", flat=True)
    return sorted({error.partition(": ")[0] for error in errors if error})[:limit]
