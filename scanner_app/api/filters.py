"""The query parameters of the lists. A value that means nothing is an error 400 that names its field."""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django_filters import rest_framework as filters

from scanner_app.detectors import Direction
from scanner_app.domain import tickers
from scanner_app.domain.enums import FIRED_STATES, AlertState, BarStatus, Severity
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.models import Symbol
from scanner_app.models.choices import choices_of

PROCESSING = "processing"
"""Status of a bar that is the head of an enabled symbol: read off the symbol's row, stored nowhere."""

BAR_STATUSES = [PROCESSING, *list(BarStatus)]

HEAD = Q(status=BarStatus.WAITING, sequence=F("symbol__status__head"), symbol__enabled=True)
"""A bar whose status is `processing`."""


def utc_time(text: str) -> datetime:
    """A time of ISO 8601 as an aware one in UTC, which it is taken for without an offset. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time such as 2024-05-31T13:30:00Z") from None


class TimeField(forms.CharField):
    """An ISO 8601 time; without an offset it is UTC."""

    def clean(self, value: Any) -> datetime | None:
        """The time as an aware one in UTC; None without one."""
        text = super().clean(value)
        try:
            return utc_time(text) if text else None
        except ValueError as exc:
            raise ValidationError(str(exc)) from None


class TimeFilter(filters.IsoDateTimeFilter):  # type: ignore[misc] # django-filter has no types
    """A bound on a time."""

    field_class = TimeField


class OfSymbol(filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    """What every list has: one symbol, a span of its bars' timestamps."""

    symbol = filters.CharFilter(method="of_symbol", help_text="ticker, in upper or lower case")
    # `from` is a keyword of Python's: get_filters() drops the underscore.
    from_ = TimeFilter(field_name="timestamp", lookup_expr="gte", help_text="bars' timestamps: this or later")
    to = TimeFilter(field_name="timestamp", lookup_expr="lt", help_text="bars' timestamps: before this")

    @classmethod
    def get_filters(cls) -> "OrderedDict[str, filters.Filter]":
        """The filters by the names of the query parameters."""
        return OrderedDict((name.rstrip("_"), one) for name, one in super().get_filters().items())

    def of_symbol(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Rows of one symbol; none of a symbol that there is not."""
        # The id is looked up first: the lists' index begins with it, and a join would hide it from the planner.
        found = _symbol_id(value)
        return queryset.none() if found is None else queryset.filter(symbol_id=found)


class BarFilter(OfSymbol):
    """Parameters of `bars`."""

    timeframe = filters.ChoiceFilter(choices=[(name, name) for name in TIMEFRAMES])
    status = filters.ChoiceFilter(method="of_status", choices=[(name, name) for name in BAR_STATUSES])

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Bars by their status as it is shown."""
        if value == PROCESSING:
            return queryset.filter(HEAD)
        if value == BarStatus.WAITING:
            return queryset.filter(status=value).exclude(HEAD)
        return queryset.filter(status=value)


class SignalFilter(OfSymbol):
    """Parameters of `signals`."""

    timeframe = filters.ChoiceFilter(choices=[(name, name) for name in TIMEFRAMES])
    detector = filters.CharFilter()
    pattern = filters.CharFilter()
    direction = filters.ChoiceFilter(choices=[(one.value, one.value) for one in Direction])


class FaultFilter(OfSymbol):
    """Parameters of `failures` and `quarantine`."""

    error_type = filters.CharFilter()


class AlertFilter(filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    """Parameters of `alerts`."""

    active = filters.BooleanFilter(method="of_active", help_text="true: not over; false: over")
    rule = filters.CharFilter()
    severity = filters.ChoiceFilter(choices=choices_of(Severity))
    symbol = filters.CharFilter(method="of_symbol", help_text="ticker, in upper or lower case")
    state = filters.ChoiceFilter(choices=choices_of(AlertState), help_text="pending ones are listed if asked for alone")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Alerts that have fired, unless those that have not are asked for."""
        found: QuerySet[Any] = super().filter_queryset(queryset)
        pending = self.form.cleaned_data.get("state") == AlertState.PENDING
        return found if pending else found.exclude(state=AlertState.PENDING)

    def of_active(self, queryset: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        """Those that fire or are not over yet; or those that are over."""
        return queryset.filter(state__in=FIRED_STATES) if value else queryset.filter(state=AlertState.RESOLVED)

    def of_symbol(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Alerts of one symbol; none of a symbol that there is not."""
        found = _symbol_id(value)
        return queryset.none() if found is None else queryset.filter(symbol_id=found)


class WatchListFilter(filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    """Parameters of `symbols`."""

    symbol = filters.CharFilter(method="of_symbol", help_text="ticker, in upper or lower case")
    enabled = filters.BooleanFilter()

    def of_symbol(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """The one symbol, or none."""
        found = _symbol_id(value)
        return queryset.none() if found is None else queryset.filter(pk=found)


def _symbol_id(ticker: str) -> int | None:
    try:
        stored = tickers.normalise(ticker)
    except ValueError:
        return None  # such a symbol can't be
    return Symbol.objects.filter(ticker=stored).values_list("pk", flat=True).first()
