"""Bars in quarantine, and the operators' actions on them: on ticked rows, or on all rows of a filter."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from scanner_app.admin import base
from scanner_app.admin.actions import WithOperatorActions, confirmed, named, reason_of, selected
from scanner_app.admin.base import WithTraceback, badge, newest_filter, time_column
from scanner_app.admin.links import WithLinks, bar_column, symbol_column
from scanner_app.domain.enums import Resolution
from scanner_app.domain.wording import counted
from scanner_app.mailbox import quarantine_bulk
from scanner_app.models import QuarantinedBar
from scanner_app.reading import quarantine_entries

QUARANTINED_AT = time_column("failed_at", "Quarantined")

ERROR_TYPES = 30
"""Error types to choose from; more than that would be unreadable in a row of links."""


class ErrorTypeFilter(admin.SimpleListFilter):
    """Filter by the type of the error that sent the bar to quarantine."""

    title = "error type"
    parameter_name = "error_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The error types that the newest rows have."""
        newest = QuarantinedBar.objects.order_by("-id").values("pk")[: base.MAX_FILTERED]
        found = QuarantinedBar.objects.filter(pk__in=newest).exclude(error_type="").order_by("error_type")
        return [(one, one) for one in found.values_list("error_type", flat=True).distinct()[:ERROR_TYPES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The rows of the chosen error type."""
        return queryset if self.value() is None else queryset.filter(error_type=self.value())


class QuarantinedAtFilter(admin.DateFieldListFilter):
    """Filter by the time at which the bar went to quarantine, with the column's title."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "quarantined"


@admin.register(QuarantinedBar)
class QuarantinedBarAdmin(WithOperatorActions, WithLinks, WithTraceback):
    """Bars that are or were in quarantine."""

    list_display = (
        symbol_column(),
        bar_column(),
        QUARANTINED_AT,
        "what_became_of_it",
        "reason",
        "error_type",
        "first_line",
        "attempt",
    )
    list_display_links = (QUARANTINED_AT,)
    list_filter = (
        newest_filter("resolution", list(Resolution), in_quarantine=""),
        ErrorTypeFilter,
        ("failed_at", QuarantinedAtFilter),
    )
    actions = ("replay", "discard")
    fields = readonly_fields = (
        "symbol",
        "bar",
        "look_at",
        "reason",
        "attempt",
        QUARANTINED_AT,
        "what_became_of_it",
        time_column("resolved_at", "Since"),
        "error_type",
        "whole_message",
        "whole_traceback",
    )

    @admin.display(description="Now")
    def what_became_of_it(self, row: QuarantinedBar) -> SafeString:
        """Whether the bar is still in quarantine, or how it left it."""
        return badge(row.resolution or "in quarantine")

    @admin.action(description="Replay: accept the bars again, for one attempt", permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[QuarantinedBar]) -> HttpResponse | None:
        """Replay each selected bar that is in quarantine, after the operator has confirmed their number."""
        return self._act(request, queryset, quarantine_bulk.replay_all, "replay", "Replayed")

    @admin.action(description="Discard: give the bars up", permissions=["operate"])
    def discard(self, request: HttpRequest, queryset: QuerySet[QuarantinedBar]) -> HttpResponse | None:
        """Discard each selected bar that is in quarantine, after the operator has confirmed their number."""
        return self._act(request, queryset, quarantine_bulk.discard_all, "discard", "Discarded")

    def _act(
        self,
        request: HttpRequest,
        chosen: QuerySet[QuarantinedBar],
        act: Callable[..., int],
        action: str,
        done: str,
    ) -> HttpResponse | None:
        entries = quarantine_entries.open_entries() & selected(request, chosen)
        if confirmed(request):
            by, reason = request.user.get_username(), reason_of(request)
            count = act(entries, by=by, clock=timezone.now, reason=reason)
            self.message_user(request, f"{done} {counted(count, 'bar')}.", messages.SUCCESS)
            return None
        per_symbol = dict(entries.values_list("symbol__ticker").annotate(Count("pk")).order_by("symbol__ticker"))
        if not per_symbol:
            self.message_user(request, "None of these bars is in quarantine any more.", messages.WARNING)
            return None
        count = sum(per_symbol.values())
        return self.confirmation_page(
            request,
            chosen,
            action,
            title=f"{action.title()} {counted(count, 'bar')}?",
            consequence="Each runs once more, after the bars that wait, marked late. A bar that fails comes back here."
            if action == "replay"
            else "Detectors will not see them. After that, only other values for their times are accepted.",
            facts=[
                ("Bars in quarantine", f"{count:,}"),
                ("Of", named(f"{ticker} ({number:,})" for ticker, number in per_symbol.items())),
            ],
            button=f"{action.title()} {counted(count, 'bar')}",
        )
