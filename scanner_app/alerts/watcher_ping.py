"""Ping an outside watcher, such as healthchecks.io, while all is well.

A missing ping is the alarm: whatever stops beat, broker, database, the evaluation of the rules or this worker
also stops the pings, and the watcher notices.
"""

from dataclasses import dataclass
from datetime import datetime

import httpx
import structlog
from django.conf import settings
from django.db import DatabaseError

from scanner_app.domain.enums import FIRED_STATES, Severity
from scanner_app.models import Alert, Evaluation
from scanner_app.reading.status import is_overdue

log = structlog.get_logger(__name__)

MAX_ANSWER = 200
"""Characters that are kept of what a ping brought."""

TIMEOUT_S = 5.0
"""Longest wait for each of: connecting, sending, the answer. The same worker's mails wait meanwhile."""


def run(now: datetime) -> str:
    """Request the ping URL if all is well; returns "not set", "withheld", "pinged" or "failed"."""
    if not settings.SCANNER_PING_URL:
        return "not set"
    if why := problem(now):
        log.warning("ping_withheld", why=why)
        _remember(f"withheld: {why}", now)
        return "withheld"
    answer = _ping(settings.SCANNER_PING_URL)
    _remember(answer.text, now)
    return "pinged" if answer.is_good else "failed"


def _remember(answer: str, now: datetime) -> None:
    """Store what the last ping brought, for the status and the admin."""
    try:
        Evaluation.objects.filter(pk=Evaluation.THE_ROW).update(pinged_at=now, ping_answer=answer[:MAX_ANSWER])
    except DatabaseError as exc:
        log.warning("ping_not_remembered", error=str(exc))


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a ping brought."""

    text: str  # without the address
    is_good: bool


def _ping(url: str) -> Answer:
    # Log the class of an error only: its text may contain the URL, and anybody who knows the URL can ping it.
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        log.warning("ping_failed", error=type(exc).__name__)
        return Answer(f"failed: {type(exc).__name__}", is_good=False)
    text = f"answer {answer.status_code}"
    if not answer.is_success:
        log.warning("ping_failed", error=text)
    return Answer(text, is_good=answer.is_success)
