"""Bars in quarantine, and the acts on them: chosen row by row, or all that a filter means."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from scanner_app.admin import base
from scanner_app.admin.actions import Operated, confirmed, counted, named, number_of, reason_of
from scanner_app.admin.base import Traced, badge, newest_filter, time_column
from scanner_app.admin.links import Charted, bar_column, symbol_column
from scanner_app.domain.enums import Resolution
from scanner_app.mailbox import quarantine_bulk
from scanner_app.models import QuarantinedBar
from scanner_app.reading import quarantine_entries

QUARANTINED_AT = time_column("failed_at", "Quarantined")

ERROR_TYPES = 30
"""Error types to choose from; more than that would be unreadable in a row of links."""


class ErrorTypeFilter(admin.SimpleListFilter):
    """By the error that sent a bar to quarantine, of the newest rows."""

    title = "error type"
    parameter_name = "error_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The error types that the newest rows have."""
        newest = QuarantinedBar.objects.order_by("-id").values("pk")[: base.FILTERED]
        found = QuarantinedBar.objects.filter(pk__in=newest).exclude(error_type="").order_by("error_type")
        return [(one, one) for one in found.values_list("error_type", flat=True).distinct()[:ERROR_TYPES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The rows of the chosen error type."""
        return queryset if self.value() is None else queryset.filter(error_type=self.value())


class QuarantinedAtFilter(admin.DateFieldListFilter):
    """By when a bar went to quarantine, under the name of its column."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "quarantined"


@admin.register(QuarantinedBar)
class QuarantinedBarAdmin(Operated, Charted, Traced):
    """Bars in quarantine: their symbols could go on without them."""

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
        """Whether it still is in quarantine."""
        return badge(row.resolution or "in quarantine")

    @admin.action(description="Replay: accept the bars again, for one attempt", permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[QuarantinedBar]) -> HttpResponse | None:
        """Call `mailbox.replay` for each that is in quarantine, once the operator has seen how many."""
        return self._act(request, queryset, quarantine_bulk.replay_all, "replay", "Replayed")

    @admin.action(description="Discard: give the bars up", permissions=["operate"])
    def discard(self, request: HttpRequest, queryset: QuerySet[QuarantinedBar]) -> HttpResponse | None:
        """Call `mailbox.discard` for each that is in quarantine, once the operator has seen how many."""
        return self._act(request, queryset, quarantine_bulk.discard_all, "discard", "Discarded")

    def _act(
        self,
        request: HttpRequest,
        chosen: QuerySet[QuarantinedBar],
        act: Callable[..., int],
        action: str,
        done: str,
    ) -> HttpResponse | None:
        entries = quarantine_entries.open_entries() & counted(request, chosen)
        if confirmed(request):
            by, reason = request.user.get_username(), reason_of(request)
            count = act(entries, by=by, clock=timezone.now, reason=reason)
            self.message_user(request, f"{done} {number_of(count, 'bar')}.", messages.SUCCESS)
            return None
        per_symbol = dict(entries.values_list("symbol__ticker").annotate(Count("pk")).order_by("symbol__ticker"))
        if not per_symbol:
            self.message_user(request, "None of these bars is in quarantine any more.", messages.WARNING)
            return None
        count = sum(per_symbol.values())
        return self.asks_first(
            request,
            chosen,
            action,
            title=f"{action.title()} {number_of(count, 'bar')}?",
            consequence="Each runs once more, behind the bars that wait, marked late. One that fails is back here."
            if action == "replay"
            else "They will be in no window of a detector. Only new values for them are accepted then.",
            facts=[
                ("Bars in quarantine", f"{count:,}"),
                ("Of", named(f"{ticker} ({number:,})" for ticker, number in per_symbol.items())),
            ],
            button=f"{action.title()} {number_of(count, 'bar')}",
        )
