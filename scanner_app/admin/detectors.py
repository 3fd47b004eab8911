"""Detectors: switching them off and on, what happened to each, and failures of one kind on many symbols."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from scanner_app.admin.actions import WithOperatorActions, confirmed, named, reason_of, selected
from scanner_app.admin.base import ReadOnlyAdmin, badge_column, time_column
from scanner_app.domain.wording import counted
from scanner_app.engine import detection, detector_switches
from scanner_app.models import DetectorEvent, DetectorSwitch, FailureIncident


@admin.register(DetectorSwitch)
class DetectorSwitchAdmin(WithOperatorActions, ReadOnlyAdmin):
    """The detectors of SCANNER_DETECTORS, and those that were once switched."""

    list_display = (
        "name",
        badge_column("state", "State"),
        time_column("changed_at", "Changed"),
        "by",
        "reason",
        "returns",
        time_column("probe_at", "Next probe"),
    )
    ordering = ("name",)
    actions = ("off", "on")
    fields = readonly_fields = list_display

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list. Detectors that were never switched get their rows here, so that they can be selected."""
        detector_switches.know([one.name for one in detection.chosen()], now=timezone.now())
        return super().changelist_view(request, extra_context)

    @admin.action(description="Off: complete bars without it", permissions=["operate"])
    def off(self, request: HttpRequest, queryset: QuerySet[DetectorSwitch]) -> HttpResponse | None:
        """Switch the selected detectors off for all symbols, after the operator has confirmed."""
        consequence = (
            "Bars are completed without it, and symbols that it stopped go on. It makes up for what it missed when it "
            "is on again."
        )
        return self._act(request, queryset, "off", consequence, detector_switches.switch_off)

    @admin.action(description="On: run it again", permissions=["operate"])
    def on(self, request: HttpRequest, queryset: QuerySet[DetectorSwitch]) -> HttpResponse | None:
        """Switch the selected detectors on, after the operator has confirmed."""
        consequence = "It runs at new bars, and looks at those that it has missed, little by little."
        return self._act(request, queryset, "on", consequence, detector_switches.switch_on)

    def _act(
        self,
        request: HttpRequest,
        chosen: QuerySet[DetectorSwitch],
        action: str,
        consequence: str,
        act: Callable[..., bool],
    ) -> HttpResponse | None:
        names = list(selected(request, chosen).order_by("name").values_list("name", flat=True))
        if confirmed(request):
            how = {"by": request.user.get_username(), "now": timezone.now(), "reason": reason_of(request)}
            count = sum(act(name, **how) for name in names)
            self.message_user(request, f"Switched {action} {counted(count, 'detector')}.", messages.SUCCESS)
            return None
        title = f"Switch {action} {counted(len(names), 'detector')}"
        return self.confirmation_page(
            request,
            chosen,
            action,
            title=f"{title}?",
            consequence=consequence,
            facts=[("Detectors", named(names))],
            button=title,
        )


@admin.register(DetectorEvent)
class DetectorEventAdmin(ReadOnlyAdmin):
    """Who switched which detector off and on, when and why."""

    list_display = (time_column("at", "When"), "detector", badge_column("kind", "What"), "actor", "reason")
    ordering = ("-id",)
    fields = readonly_fields = list_display


@admin.register(FailureIncident)
class FailureIncidentAdmin(ReadOnlyAdmin):
    """Failures of one kind on many symbols at once."""

    list_display = (
        time_column("began_at", "Since"),
        "detector",
        "error_type",
        "place",
        "symbols",
        time_column("last_at", "Last failure"),
        time_column("ended_at", "Over"),
    )
    ordering = ("-id",)
    fields = readonly_fields = (*list_display, time_column("told_at", "Told up to"))
