"""Channels and deliveries: what is told, and what is not, with the operators' actions."""

from typing import Any

from django.contrib import admin, messages
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
    preformatted,
    time_column,
)
from scanner_app.admin.links import link, row_url
from scanner_app.domain.enums import DeliveryState
from scanner_app.domain.errors import AlreadySent
from scanner_app.domain.wording import counted
from scanner_app.models import Channel, Delivery, Hit
from scanner_app.signals import channels, deliveries


@admin.register(Channel)
class ChannelAdmin(WithOperatorActions, ReadOnlyAdmin):
    """The channels. Operators make and change them by the API, which shows a webhook's secret once."""

    list_display = ("name", "kind", "shown_url", "shared", "state", "failures", "error_line")
    search_fields = ("name",)
    actions = ("test", "switch_on", "switch_off")
    fields = (
        "name",
        "kind",
        "shown_url",
        "shared",
        "state",
        "quiet_from",
        "quiet_to",
        "timezone",
        "quiet_calendar",
        "failures",
        time_column("paused_until", "Paused until"),
        "whole_error",
        time_column("created_at", "Made"),
        "created_by",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        """Those that are not deleted."""
        return super().get_queryset(request).filter(deleted_at=None)

    @admin.display(description="State")
    def state(self, row: Channel) -> SafeString:
        """Whether something is told by it now."""
        paused = row.paused_until is not None and row.paused_until > timezone.now()
        return badge("off" if not row.enabled else "paused" if paused else "on")

    @admin.display(description="Last error")
    def error_line(self, row: Channel) -> SafeString | str:
        """The first line of the last error."""
        return one_line(row.last_error)

    @admin.display(description="Last error")
    def whole_error(self, row: Channel) -> SafeString | str:
        """The last error."""
        return preformatted(row.last_error)

    @admin.action(description="Test: send a message", permissions=["operate"])
    def test(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        """Send a test message by each; the list of deliveries shows whether it was taken."""
        now = timezone.now()
        count = len([deliveries.test(row, now) for row in queryset])
        said = f"{counted(count, 'test message')} will be sent: see the deliveries."
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(description="Switch on: forget earlier failures", permissions=["operate"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        """Tell by each of them again."""
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Switch off: tell nothing", permissions=["operate"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        """Tell nothing by any of them."""
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Channel], *, enabled: bool) -> None:
        for row in queryset:
            channels.change(row, enabled=enabled)
        said = f"Switched {'on' if enabled else 'off'} {counted(queryset.count(), 'channel')}."
        self.message_user(request, said, messages.SUCCESS)


@admin.register(Delivery)
class DeliveryAdmin(WithOperatorActions, RecordAdmin):
    """What was told of which hit, and what was not."""

    list_display = (
        time_column("created_at", "Since"),
        "of_hit",
        "channel",
        badge_column("state", "State"),
        "attempts",
        time_column("next_attempt_at", "Next try"),
        time_column("sent_at", "Sent"),
        "error_line",
    )
    list_select_related = ("hit__symbol", "channel")
    symbol_path = "hit__symbol"
    list_filter = (newest_filter("state", list(DeliveryState)),)
    actions = ("retry",)
    fields = (
        time_column("created_at", "Since"),
        "of_hit",
        "channel",
        badge_column("state", "State"),
        "attempts",
        time_column("next_attempt_at", "Next try"),
        time_column("expires_at", "Too old from"),
        time_column("sent_at", "Sent"),
        "whole_error",
        "digest",
        "message_id",
    )

    @admin.display(description="Hit")
    def of_hit(self, row: Delivery) -> SafeString | str:
        """The hit, with a link; or what else it is."""
        if row.hit is not None:
            return link(row_url(Hit, row.hit_id), f"{row.hit.symbol.ticker} {row.hit.timeframe}")
        return "test" if row.rule_id is None else "digest"

    @admin.display(description="Error", empty_value=EMPTY)
    def error_line(self, row: Delivery) -> SafeString | str:
        """The first line of the last error."""
        return one_line(row.last_error)

    @admin.display(description="Error", empty_value=EMPTY)
    def whole_error(self, row: Delivery) -> SafeString | str:
        """The last error."""
        return preformatted(row.last_error)

    @admin.action(description="Retry: send again at once", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send each that was not sent again, with all retries, however old it is."""
        count, now = 0, timezone.now()
        for row in queryset:
            try:
                deliveries.retry(row, now)
                count += 1
            except AlreadySent:
                continue  # what was ticked may have been sent meanwhile; the message says how many were not
        self.message_user(request, f"{counted(count, 'message')} will be sent again.")
