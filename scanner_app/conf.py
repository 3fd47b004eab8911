"""Settings as the domain's values. What a setting means and its default: scanner_project/env.py.

May import: domain.
"""

from datetime import timedelta

from django.conf import settings

from scanner_app.domain.alert_rules import Limits
from scanner_app.domain.breaker import Rules


def breaker_rules() -> Rules:
    """When a breaker opens, and after which time it is half-open."""
    return Rules(
        threshold=settings.SCANNER_BREAKER_THRESHOLD,
        recovery=timedelta(seconds=settings.SCANNER_BREAKER_RECOVERY_S),
    )


def alert_limits() -> Limits:
    """The thresholds of the alert rules."""
    return Limits(
        healthy_percent=settings.SCANNER_ALERT_HEALTHY_PERCENT,
        p95_ms=settings.SCANNER_ALERT_P95_MS,
        open_breakers=settings.SCANNER_ALERT_OPEN_BREAKERS,
        stale_s=settings.SCANNER_ALERT_STALE_S,
        stuck_s=settings.SCANNER_ALERT_STUCK_S,
        backlog=settings.SCANNER_ALERT_BACKLOG,
        answer_ms=settings.SCANNER_ALERT_ANSWER_MS,
        gap_s=settings.SCANNER_ALERT_GAP_S,
    )
