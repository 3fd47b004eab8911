"""The rules' limits, from the settings."""

from django.conf import settings

from scanner_app.domain.alert_rules import Limits


def limits() -> Limits:
    """As they are set now."""
    return Limits(
        healthy_percent=settings.SCANNER_ALERT_HEALTHY_PERCENT,
        p95_ms=settings.SCANNER_ALERT_P95_MS,
        open_breakers=settings.SCANNER_ALERT_OPEN_BREAKERS,
        stale_s=settings.SCANNER_ALERT_STALE_S,
        stuck_s=settings.SCANNER_ALERT_STUCK_S,
        backlog=settings.SCANNER_ALERT_BACKLOG,
        answer_ms=settings.SCANNER_ALERT_ANSWER_MS,
    )
