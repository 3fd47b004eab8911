"""Ping an outside watcher, such as healthchecks.io, while all is well.

A missing ping is the alarm: whatever stops beat, broker, database, the evaluation of the rules or this worker
also stops the pings, and the watcher notices.
"""

from datetime import datetime

import httpx
import structlog
from django.conf import settings

from scanner_app.domain.enums import FIRED_STATES, Severity
from scanner_app.models import Alert, Evaluation
from scanner_app.reading.status import is_overdue

log = structlog.get_logger(__name__)

TIMEOUT_S = 5.0
"""Longest wait for each of: connecting, sending, the answer. The same worker's mails wait meanwhile."""


def run(now: datetime) -> str:
    """Request the ping URL if all is well; returns "not set", "withheld", "pinged" or "failed"."""
    if not settings.SCANNER_PING_URL:
        return "not set"
    if why := problem(now):
        log.warning("ping_withheld", why=why)
        return "withheld"
    return "pinged" if _ping(settings.SCANNER_PING_URL) else "failed"


def problem(now: datetime) -> str:
    """Why not all is well; empty if all rules were evaluated lately and no alert of severity error fires."""
    row = Evaluation.objects.filter(pk=Evaluation.THE_ROW).first()
    if row is None or is_overdue(row.evaluated_at, now):
        return "nobody has evaluated the alert rules lately"
    if not row.complete:
        return "not every alert rule could be judged"
    firing = Alert.objects.filter(state__in=FIRED_STATES, severity=Severity.ERROR).order_by("rule")
    names = firing.values_list("rule", flat=True).distinct()
    return f"alerts: {', '.join(names)}" if names else ""


def _ping(url: str) -> bool:
    # Log the class of an error only: its text may contain the URL, and anybody who knows the URL can ping it.
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        log.warning("ping_failed", error=type(exc).__name__)
        return False
    if not answer.is_success:
        log.warning("ping_failed", error=f"answer {answer.status_code}")
    return answer.is_success
