"""The addresses that messages and answers link to."""

from django.conf import settings
from django.urls import reverse

from scanner_app.domain.alert_rules import BREAKER, RULES
from scanner_app.domain.enums import NotificationKind
from scanner_app.models import Notification

MAX_RUNBOOKS = 5
"""Runbook pages that one digest links to."""


def links_of(row: Notification) -> str:
    """The addresses for a notification's reader, one a line: where to look and what to do."""
    if row.kind == NotificationKind.INCIDENT:
        rules, page = [BREAKER], reverse("detectors")
    elif row.kind == NotificationKind.DIGEST:
        rules = rules_of_digest(row)
        page = reverse(f"admin:scanner_app_{'symbol' if rules == [BREAKER] else 'alert'}_changelist")
    elif row.kind == NotificationKind.DRILL:  # the canary has no page
        rules, page = [], reverse("admin:scanner_app_drill_changelist")
    elif row.alert is not None:
        rules, page = [row.alert.rule], reverse("admin:scanner_app_alert_change", args=[row.alert_id])
    elif row.symbol_id is not None:
        rules, page = [BREAKER], reverse("admin:scanner_app_symbol_change", args=[row.symbol_id])
    else:  # its alert has been forgotten
        rules, page = [], reverse("admin:scanner_app_alert_changelist")
    runbooks = [path for rule in rules[:MAX_RUNBOOKS] if (path := runbook_path(rule))]
    return "\n".join(base_url() + path for path in (page, *runbooks))


def rules_of_digest(digest: Notification) -> list[str]:
    """The rules of the alerts that a digest names, in order of their names; BREAKER stands for breakers' messages."""
    named = Notification.objects.filter(digest=digest).order_by().values_list("alert__rule", flat=True).distinct()
    return sorted({rule or BREAKER for rule in named})


def base_url() -> str:
    """The scanner's address, with which every link in a message begins."""
    address: str = settings.PUBLIC_URL
    return address


def runbook_path(rule: str) -> str | None:
    """The path of a runbook page on the site, without the host; None for a rule that no longer exists.

    A page is a rule's, or that of the breakers' messages (BREAKER).
    """
    return reverse("runbook", args=[rule]) if rule in RULES or rule == BREAKER else None
