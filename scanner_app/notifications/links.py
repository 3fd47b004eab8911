"""The addresses that messages and answers link to."""

from django.conf import settings
from django.urls import reverse

from scanner_app.domain.addresses import link_host, web_url
from scanner_app.domain.alert_rules import RULES
from scanner_app.domain.enums import NotificationKind
from scanner_app.models import Notification


def links_of(row: Notification) -> str:
    """The addresses for a notification's reader, one a line: where to look and what to do."""
    if row.alert is not None:
        page = base_url() + reverse("admin:scanner_app_alert_change", args=[row.alert_id])
        runbook = runbook_path(row.alert.rule)
        return f"{page}\n{base_url()}{runbook}" if runbook and row.kind != NotificationKind.CLEARED else page
    if row.kind == NotificationKind.DIGEST and Notification.objects.filter(digest=row, alert__isnull=False).exists():
        return base_url() + reverse("admin:scanner_app_alert_changelist")
    if row.symbol_id is None:
        return base_url() + reverse("admin:scanner_app_symbol_changelist")
    return base_url() + reverse("admin:scanner_app_symbol_change", args=[row.symbol_id])


def base_url() -> str:
    """The scanner's address, with which every link in a message begins."""
    return web_url(link_host(settings.ENV.WEB_HOST), settings.ENV.WEB_PORT)


def runbook_path(rule: str) -> str | None:
    """The path of a rule's runbook page on the site, without the host; None for a rule that no longer exists."""
    return reverse("runbook", args=[rule]) if rule in RULES else None
