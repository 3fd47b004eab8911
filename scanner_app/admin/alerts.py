"""Alerts, and the operators' actions on them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from scanner_app.admin.actions import WithOperatorActions, confirmed, named, reason_of, selected, whole_number
from scanner_app.admin.base import (
    EMPTY,
    RecordAdmin,
    badge_column,
    newest_filter,
    one_line,
    preformatted,
    time_column,
    utc,
)
from scanner_app.admin.links import link, row_url
from scanner_app.alerts import acknowledge
from scanner_app.domain.alert_rules import RULES, runbook_file
from scanner_app.domain.enums import OPEN_STATES, AlertState, Severity
from scanner_app.domain.errors import AlertOver
from scanner_app.domain.wording import counted, with_reason
from scanner_app.models import Alert, Symbol
from scanner_app.notifications import links
from scanner_app.notifications.silences import in_force

SILENCE_MINUTES = 60
"""The minutes that the confirmation page suggests."""


@admin.register(Alert)
class AlertAdmin(WithOperatorActions, RecordAdmin):
    """The list of alerts, and an alert's own page."""

    list_display = (
        time_column("began_at", "Since"),
        "rule",
        badge_column("severity", "Severity"),
        "linked",
        badge_column("state", "State"),
        "first_line",
        time_column("cleared_at", "Over"),
        "handled",
    )
    list_filter = (
        newest_filter("state", list(AlertState)),
        newest_filter("severity", list(Severity)),
        newest_filter("rule", sorted(RULES)),
    )
    actions = ("acknowledge", "silence")
    fields = readonly_fields = (
        "rule",
        badge_column("severity", "Severity"),
        "symbol",
        "subject",
        badge_column("state", "State"),
        "whole_message",
        "rules_page",
        time_column("began_at", "Since"),
        time_column("fired_at", "Fired"),
        time_column("told_at", "Last notified"),
        time_column("cleared_at", "Over"),
        "muted_by",
        "acknowledged",
        "silenced",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        """With the end of the longest silence of its rule or symbol."""
        covering = in_force(timezone.now()).filter(
            Q(rule="") | Q(rule=OuterRef("rule")), Q(symbol=None) | Q(symbol=OuterRef("symbol_id"))
        )
        until = Subquery(covering.order_by("-until").values("until")[:1])
        found: QuerySet[Alert] = super().get_queryset(request).annotate(covered_until=until)
        return found

    def about(self, row: Alert) -> str:
        """The symbol or other subject of the alert; EMPTY for the whole scanner."""
        return (row.symbol.ticker if row.symbol else row.subject) or EMPTY

    @admin.display(description="Of")
    def linked(self, row: Alert) -> SafeString | str:
        """The symbol with a link to its page; or the other subject."""
        return link(row_url(Symbol, row.symbol_id) if row.symbol else None, self.about(row))

    @admin.display(description="Message")
    def first_line(self, row: Alert) -> SafeString | str:
        """The sentence, with the figures of the last time that it fired or was sent."""
        return one_line(row.message)

    @admin.display(description="Message")
    def whole_message(self, row: Alert) -> SafeString | str:
        """The sentence, with the figures of the last time that it fired or was sent."""
        return preformatted(row.message)

    @admin.display(description="Runbook")
    def rules_page(self, row: Alert) -> SafeString | str:
        """The page that says what it means and what to do."""
        return link(links.runbook_path(row.rule), runbook_file(row.rule))

    @admin.display(description="Handled")
    def handled(self, row: Any) -> str:
        """Who has acknowledged or silenced it."""
        words = []
        if row.acknowledged_at:
            words.append(f"acknowledged by {row.acknowledged_by}")
        now = timezone.now()
        if row.is_silenced(now):
            words.append(f"silenced until {utc(row.silenced_until)}")
        elif row.state in OPEN_STATES and row.covered_until:
            words.append(f"silenced until {utc(row.covered_until)}")
        if row.muted_by and row.state in OPEN_STATES:
            words.append(f"muted by {row.muted_by}")
        return ", ".join(words) or EMPTY

    @admin.display(description="Acknowledged")
    def acknowledged(self, row: Alert) -> str:
        """By whom, when and why."""
        if row.acknowledged_at is None:
            return EMPTY
        return with_reason(f"by {row.acknowledged_by}, {utc(row.acknowledged_at)} UTC", row.acknowledge_reason)

    @admin.display(description="Silenced")
    def silenced(self, row: Alert) -> str:
        """By whom, until when and why."""
        if row.silenced_until is None:
            return EMPTY
        return with_reason(f"by {row.silenced_by} until {utc(row.silenced_until)} UTC", row.silence_reason)

    @admin.action(description="Acknowledge: somebody knows, no more reminders", permissions=["operate"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> HttpResponse | None:
        """Acknowledge each selected alert that is not over, after the operator has confirmed the list."""
        consequence = "No more reminders are sent. When the alert is over, a notification says so."
        return self._act(request, queryset, "acknowledge", consequence, acknowledge.acknowledge, "Acknowledged")

    @admin.action(description="Silence: send nothing about it for a time", permissions=["operate"])
    def silence(self, request: HttpRequest, queryset: QuerySet[Alert]) -> HttpResponse | None:
        """Silence each selected alert that is not over, after the operator has confirmed and set the minutes."""
        minutes = whole_number(request.POST.get("minutes", ""), least=0, most=acknowledge.MAX_SILENCE_MINUTES)
        if confirmed(request) and minutes is None:
            text = f"Minutes must be a whole number from 0 to {acknowledge.MAX_SILENCE_MINUTES:,}; nothing was done."
            self.message_user(request, text, messages.ERROR)
            return None
        consequence = (
            "For that time no notifications are sent, not even if the alert fires again. 0 minutes ends a silence."
        )
        more = {"minutes": SILENCE_MINUTES, "least": 0, "most": acknowledge.MAX_SILENCE_MINUTES}

        def silence(alert: Alert, **how: Any) -> None:
            acknowledge.silence(alert, minutes=minutes or 0, **how)

        return self._act(request, queryset, "silence", consequence, silence, "Silenced", **more)

    def _act(
        self,
        request: HttpRequest,
        chosen: QuerySet[Alert],
        action: str,
        consequence: str,
        act: Callable[..., None],
        done: str,
        **more: Any,
    ) -> HttpResponse | None:
        alerts = list(selected(request, chosen).filter(state__in=OPEN_STATES).select_related("symbol").order_by("id"))
        if not alerts:
            self.message_user(request, "These alerts are over.", messages.WARNING)
            return None
        if confirmed(request):
            how = {"by": request.user.get_username(), "now": timezone.now(), "reason": reason_of(request)}
            count = sum(_done(act, alert, how) for alert in alerts)
            self.message_user(request, f"{done} {counted(count, 'alert')}.", messages.SUCCESS)
            return None
        return self.confirmation_page(
            request,
            chosen,
            action,
            title=f"{action.title()} {counted(len(alerts), 'alert')}?",
            consequence=consequence,
            facts=[
                ("Alerts", named(f"{alert.rule} {self.about(alert)}".removesuffix(f" {EMPTY}") for alert in alerts))
            ],
            button=f"{action.title()} {counted(len(alerts), 'alert')}",
            **more,
        )


def _done(act: Callable[..., None], alert: Alert, how: dict[str, Any]) -> bool:
    try:
        act(alert, **how)
    except AlertOver:  # it was resolved in the meantime
        return False
    return True
