"""Live feeds, their ledger of holes, and what venues call our symbols."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from scanner_app.admin.actions import WithOperatorActions
from scanner_app.admin.base import (
    EMPTY,
    ReadOnlyAdmin,
    RecordAdmin,
    badge,
    badge_column,
    newest_filter,
    one_line,
    time_column,
)
from scanner_app.admin.links import link, list_url, symbol_column
from scanner_app.domain import tickers
from scanner_app.domain.enums import GapState
from scanner_app.domain.errors import FeedFixed
from scanner_app.domain.wording import counted
from scanner_app.feeds.live import ledger, managing
from scanner_app.models import Feed, Gap, VenueTicker
from scanner_app.reading import feeds


class FeedForm(forms.ModelForm[Feed]):
    """A feed, new or changed."""

    class Meta:
        model = Feed
        fields = ("name", "venue", "entry", "enabled")
        help_texts = {"entry": "Tickers and timeframes, for example BTCUSDT,ETHUSDT@1m+1h"}

    def clean(self) -> dict[str, Any]:
        """The values, if such a feed can be."""
        values = super().clean() or {}
        # Of an old one name and venue are shown, and not sent.
        about = {name: values.get(name, getattr(self.instance, name)) for name in self.Meta.fields}
        if not self.errors:
            try:
                managing.check(**about, itself=self.instance if self.instance.pk else None)
            except managing.BadFeed as exc:
                self.add_error(exc.field if exc.field in self.fields else None, str(exc))
        return values


class WithStates(ChangeList):
    """The list, with how each feed is doing: read once for the page."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page, each with its `shown`."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        shown = {one.id: one for one in feeds.of_all(timezone.now())}
        for row in self.result_list:
            row.shown = shown.get(row.pk)


@admin.register(Feed)
class FeedAdmin(WithOperatorActions, ReadOnlyAdmin):
    """The list of live feeds. Those of SCANNER_FEEDS are fixed."""

    form = FeedForm
    list_display = ("name", "venue", "entry_line", "state", "holes", "error", "from_environment")
    ordering = ("name",)
    actions = ("enable", "disable", "remove")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        """The list with the states."""
        return WithStates

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators may add feeds."""
        return self.has_operate_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators may change those that are not the environment's."""
        return self.has_operate_permission(request) and not (obj is not None and obj.from_environment)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002 - Django's signature
        """Name and venue stay what they are."""
        return () if obj is None else ("name", "venue")

    def save_model(self, request: HttpRequest, obj: Feed, form: Any, change: bool) -> None:
        """Store it by the same functions as the API."""
        values, by = form.cleaned_data, request.user.get_username()
        if change:
            managing.change(Feed.objects.get(pk=obj.pk), entry=values["entry"], enabled=values["enabled"], by=by)
        else:
            obj.pk = managing.add(**values, by=by).pk

    @admin.display(description="Entry")
    def entry_line(self, row: Feed) -> SafeString | str:
        """Tickers and timeframes."""
        return one_line(row.entry)

    @admin.display(description="State")
    def state(self, row: Any) -> SafeString | str:
        """How it is doing, or that it is switched off."""
        return badge(row.shown.state if row.enabled else "disabled") if row.shown else EMPTY

    @admin.display(description="Open holes")
    def holes(self, row: Any) -> SafeString | str:
        """Their number, as a link to them."""
        number = row.shown.gaps_open if row.shown else 0
        return link(list_url(Gap, state=GapState.OPEN, feed__id__exact=row.pk), f"{number:,}") if number else "0"

    @admin.display(description="Last error")
    def error(self, row: Any) -> SafeString | str:
        """What its process, or the lack of one, says."""
        return one_line(row.shown.last_error if row.shown else "")

    @admin.action(description="Enable", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        """Switch each on."""
        self._each(request, queryset, "Enabled", partial(managing.change, enabled=True))

    @admin.action(description="Disable: no bars come, until it is enabled", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        """Switch each off."""
        self._each(request, queryset, "Disabled", partial(managing.change, enabled=False))

    @admin.action(description="Remove: its bars stay", permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        """Remove each."""
        self._each(request, queryset, "Removed", partial(managing.remove, now=timezone.now()))

    def _each(self, request: HttpRequest, queryset: QuerySet[Feed], done: str, act: Callable[..., object]) -> None:
        count = 0
        for row in queryset:
            try:
                act(row, by=request.user.get_username())
                count += 1
            except (FeedFixed, managing.BadFeed) as exc:
                self.message_user(request, f"{row.name}: {exc}", messages.ERROR)
        self.message_user(request, f"{done} {counted(count, 'feed')}.", messages.SUCCESS)


@admin.register(Gap)
class GapAdmin(WithOperatorActions, RecordAdmin):
    """The ledger of live feeds."""

    list_display = (
        time_column("found_at", "Found"),
        symbol_column(),
        "timeframe",
        badge_column("state", "State"),
        "bars",
        time_column("first", "From"),
        time_column("last", "To"),
        "cause",
        "asked",
        "error",
    )
    list_filter = (newest_filter("state", [one.value for one in GapState]), "feed")
    actions = ("give_up",)

    @admin.display(description="Bars")
    def bars(self, row: Gap) -> str:
        """How many of them have come."""
        return f"{row.refilled:,} of {row.missing:,} refilled"

    @admin.display(description="Last error")
    def error(self, row: Gap) -> SafeString | str:
        """Why the venue did not answer."""
        return one_line(row.last_error)

    @admin.action(description="Give up: the venue is not asked any more", permissions=["operate"])
    def give_up(self, request: HttpRequest, queryset: QuerySet[Gap]) -> None:
        """Give up each that is open."""
        how: dict[str, Any] = {"by": request.user.get_username(), "now": timezone.now()}
        count = sum(ledger.give_up(pk, **how) for pk in queryset.values_list("pk", flat=True))
        self.message_user(request, f"Gave up {counted(count, 'hole')}.", messages.SUCCESS)


class VenueTickerForm(forms.ModelForm[VenueTicker]):
    """One of our tickers, and what a venue calls it."""

    class Meta:
        model = VenueTicker
        fields = ("venue", "ticker", "name")

    def clean_ticker(self) -> str:
        """The ticker in upper case."""
        try:
            return tickers.normalise(self.cleaned_data["ticker"])
        except ValueError as exc:
            raise forms.ValidationError(str(exc)) from None


@admin.register(VenueTicker)
class VenueTickerAdmin(WithOperatorActions, ReadOnlyAdmin):
    """The table of tickers that a venue has other names for."""

    form = VenueTickerForm
    list_display = ("venue", "ticker", "name")
    search_fields = ("venue", "ticker", "name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators may."""
        return self.has_operate_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Operators may."""
        return self.has_operate_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Operators may."""
        return self.has_operate_permission(request)
