"""The filters of the list of symbols."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from scanner_app.domain import breaker
from scanner_app.domain.enums import SymbolState
from scanner_app.models import Symbol
from scanner_app.reading import symbol_filters

RETRYING = "retrying"
"""The choice of the state filter that is no state of its own: paused, but not disabled."""

STATES = {state.value for state in SymbolState}

MAX_ERROR_TYPES = 20
"""Types of errors to choose from."""


class BreakerFilter(admin.SimpleListFilter):
    """Filter by the breaker's state, which follows from the time at which it opened."""

    title = "breaker"
    parameter_name = "breaker"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The three states."""
        return [(state.value, state.value.replace("_", "-")) for state in breaker.State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> QuerySet[Symbol]:  # noqa: ARG002
        """The symbols whose breaker is in the chosen state."""
        condition = symbol_filters.circuit(timezone.now()).get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class StateFilter(admin.SimpleListFilter):
    """Filter by the symbol's state, and by whether it is retrying now."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The three states, and RETRYING."""
        return [*((state.value, state.value) for state in SymbolState), (RETRYING, "retrying now")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> QuerySet[Symbol]:  # noqa: ARG002
        """The symbols that are in the chosen state."""
        now, chosen = timezone.now(), self.value()
        if chosen == RETRYING:
            return queryset.filter(symbol_filters.is_retrying(now))
        return queryset.filter(symbol_filters.in_state(chosen, now)) if chosen in STATES else queryset


class ErrorFilter(admin.SimpleListFilter):
    """Filter by the type of the error that the symbol fails with now."""

    title = "error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - as above
        """The types of errors that symbols fail with now."""
        # Django makes a filter anew for each count beside the others' choices: one query for all of them.
        found: list[str] | None = getattr(request, "error_types", None)
        if found is None:
            found = symbol_filters.error_types(MAX_ERROR_TYPES)
            request.error_types = found  # type: ignore[attr-defined] # ours
        return [(name, name) for name in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> QuerySet[Symbol]:  # noqa: ARG002
        """The symbols that fail with the chosen type."""
        return queryset.filter(symbol_filters.fails_with(chosen)) if (chosen := self.value()) else queryset
