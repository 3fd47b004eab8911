"""Query parameters that several lists have. An invalid value is answered with 400 and the name of its parameter."""

from collections import OrderedDict
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from django_filters.fields import ChoiceField
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import NotFound

from scanner_app.api.base import LARGEST_ID
from scanner_app.api.fields import FLAGS, TEXT, TIME, utc_time
from scanner_app.domain.timeframes import TIMEFRAMES, normal_name
from scanner_app.reading import symbols
from scanner_app.signals import rules, watchlists


class TimeField(forms.CharField):
    """An ISO 8601 time. Without an offset it is taken as UTC."""

    def clean(self, value: Any) -> datetime | None:
        """The time in UTC; None if the parameter is empty."""
        text = super().clean(value)
        try:
            return utc_time(text) if text else None
        except ValueError as exc:
            raise ValidationError(str(exc)) from None


@extend_schema_field(TIME)
class TimeFilter(filters.IsoDateTimeFilter):  # type: ignore[misc] # django-filter has no types
    """The earliest or the latest time of the rows wanted."""

    field_class = TimeField


@extend_schema_field(TEXT)
class TextFilter(filters.CharFilter):  # type: ignore[misc] # django-filter has no types
    """A parameter that is text."""


class TruthField(forms.CharField):
    """True or false."""

    def clean(self, value: Any) -> bool | None:
        """The truth; None if the parameter is empty."""
        text = super().clean(value).lower()
        if text and text not in FLAGS:
            raise ValidationError("must be true or false")
        return FLAGS.get(text)


class TruthFilter(filters.BooleanFilter):  # type: ignore[misc] # django-filter has no types
    """A parameter that is true or false. django-filter's own ignores whatever it does not understand."""

    field_class = TruthField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput, **kwargs)


class TimeframeField(ChoiceField):  # type: ignore[misc] # django-filter has no types
    """A timeframe, by our name or another one."""

    def to_python(self, value: Any) -> str:
        """Our name; the text itself if it is none, which is then no valid choice."""
        text: str = super().to_python(value)
        return normal_name(text) or text


class TimeframeFilter(filters.ChoiceFilter):  # type: ignore[misc] # django-filter has no types
    """The parameter `timeframe`."""

    field_class = TimeframeField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[(name, name) for name in TIMEFRAMES], **kwargs)


ID = {"type": "integer", "minimum": 0, "maximum": LARGEST_ID}
"""What a parameter that is an id may be, for the schema."""


@extend_schema_field(ID)
class IdFilter(filters.NumberFilter):  # type: ignore[misc] # django-filter has no types
    """A parameter that is an id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST_ID, decimal_places=0, **kwargs)


class WatchListFilter(IdFilter):
    """The parameter `watchlist`: rows of the symbols that a watch list names now."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(field_name="symbol", **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """The rows. Raises NotFound if the user may read no such list."""
        if value is None:
            return qs
        found = watchlists.readable(self.parent.request.user).filter(pk=int(value)).first()
        if found is None:
            raise NotFound(f"Watch list {value} not found")
        return qs.filter(**{f"{self.field_name}__in": watchlists.symbols_of(found)})


class RuleFilter(IdFilter):
    """The parameter `rule`. The set of filters has a method `of_rule` that chooses the rows of a rule's id."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """The rows. Raises NotFound if the user may read no such rule."""
        if value is None:
            return qs
        if not rules.readable(self.parent.request.user).filter(pk=int(value)).exists():
            raise NotFound(f"Rule {value} not found")
        found: QuerySet[Any] = self.parent.of_rule(qs, int(value))
        return found


class SymbolFilters(filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    """The parameter `symbol`."""

    symbol_column = "symbol_id"
    """The column of the list's rows that holds the symbol's id."""

    symbol = TextFilter(method="of_symbol", help_text="ticker, in upper or lower case")

    def of_symbol(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """The rows of one symbol; none if no symbol has this ticker."""
        # Filter by the symbol's id, not by a join with its ticker: only so does the database use the lists' indexes,
        # which begin with the id.
        found = symbols.find(value)
        return queryset.none() if found is None else queryset.filter(**{self.symbol_column: found.pk})


class SymbolAndTimeFilters(SymbolFilters):
    """The parameters `symbol`, and `from` and `to` for the bars' timestamps."""

    # `from` is a keyword of Python: get_filters() drops the underscore.
    from_ = TimeFilter(
        field_name="timestamp", lookup_expr="gte", help_text="only bars whose timestamp is this or later"
    )
    to = TimeFilter(field_name="timestamp", lookup_expr="lt", help_text="only bars whose timestamp is before this")

    @classmethod
    def get_filters(cls) -> "OrderedDict[str, filters.Filter]":
        """The filters by the names of the query parameters."""
        return OrderedDict((name.rstrip("_"), one) for name, one in super().get_filters().items())
