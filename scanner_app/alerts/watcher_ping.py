"""Tell a watcher outside that all is well: the habit of healthchecks.io and its like.

It is the silence that tells: whatever stops beat, broker, database, the evaluation of the rules or this worker
stops the pings too, and the watcher outside raises its alarm.
"""

from datetime import datetime

import httpx
import structlog
from django.conf import settings

from scanner_app.domain.enums import FIRED_STATES, Severity
from scanner_app.models import Alert, Evaluation
from scanner_app.reading.status import is_silent

log = structlog.get_logger(__name__)

TIMEOUT_S = 5.0
"""Longest wait for each of: connecting, sending, the answer. The mails of the same worker wait meanwhile."""


def run(now: datetime) -> str:
    """Ask for the URL if all is well; returns what became of it, in a word or two."""
    if not settings.SCANNER_PING_URL:
        return "not set"
    if why := unwell(now):
        log.warning("ping_withheld", why=why)
        return "withheld"
    return "pinged" if _ask_for(settings.SCANNER_PING_URL) else "failed"


def unwell(now: datetime) -> str:
    """Why all is not well; empty if it is: the rules were evaluated just now, every one, and no error alert fires."""
    row = Evaluation.objects.filter(pk=Evaluation.THE_ROW).first()
    if row is None or is_silent(row.evaluated_at, now):
        return "nobody has evaluated the alert rules lately"
    if not row.complete:
        return "not every alert rule could be judged"
    firing = Alert.objects.filter(state__in=FIRED_STATES, severity=Severity.ERROR).order_by("rule")
    names = firing.values_list("rule", flat=True).distinct()
    return f"alerts: {', '.join(names)}" if names else ""


def _ask_for(url: str) -> bool:
    # Errors by their class alone: their texts may hold the URL, which whoever knows it can ping.
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        log.warning("ping_failed", error=type(exc).__name__)
        return False
    if not answer.is_success:
        log.warning("ping_failed", error=f"answer {answer.status_code}")
    return answer.is_success
