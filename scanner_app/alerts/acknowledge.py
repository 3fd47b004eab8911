"""Operators' actions on an alert: acknowledge and silence. They change neither its state nor the overall status."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from scanner_app.domain.enums import OPEN_STATES
from scanner_app.domain.errors import AlertOver
from scanner_app.models import Alert

log = structlog.get_logger(__name__)

MAX_SILENCE_MINUTES = 30 * 24 * 60
"""Longest silence: 30 days. An alert that should be silent for longer has a rule with a wrong limit."""


def acknowledge(alert: Alert, *, by: str, now: datetime, reason: str = "") -> None:
    """Stop the alert's reminders, since `by` knows of it; its end is still notified. A second call changes nothing.

    Raises AlertOver if the alert is resolved.
    """
    open_ones = Alert.objects.filter(pk=alert.pk, state__in=OPEN_STATES)
    changed = open_ones.filter(acknowledged_at=None).update(
        acknowledged_at=now, acknowledged_by=by, acknowledge_reason=reason
    )
    if not changed and not open_ones.exists():
        raise AlertOver(alert.pk)
    if changed:
        log.info("alert_acknowledged", rule=alert.rule, subject=alert.subject, by=by, reason=reason)


def silence(alert: Alert, *, minutes: int, by: str, now: datetime, reason: str = "") -> None:
    """Send no notification about the alert for so many minutes, not even about its end; 0 ends a silence.

    Until that time the silence also applies to the rule's next alerts about the same symbol or subject.
    Raises AlertOver if the alert is resolved, ValueError for minutes below 0 or above MAX_SILENCE_MINUTES.
    """
    if not 0 <= minutes <= MAX_SILENCE_MINUTES:
        raise ValueError(f"minutes must be 0 to {MAX_SILENCE_MINUTES}, not {minutes}")
    until = now + timedelta(minutes=minutes) if minutes else None
    of = Q(symbol=None) if alert.symbol_id is None else Q(symbol_id=alert.symbol_id)
    same = Alert.objects.filter(of, rule=alert.rule, subject=alert.subject)
    with transaction.atomic():
        changed = same.filter(pk=alert.pk, state__in=OPEN_STATES).update(
            silenced_until=until, silenced_by=by, silence_reason=reason
        )
        if not changed:
            raise AlertOver(alert.pk)
        # Resolved alerts with the same key lose their silence: the next alert follows this one's.
        same.exclude(pk=alert.pk).filter(silenced_until__gt=now).update(silenced_until=None)
    log.info("alert_silenced", rule=alert.rule, subject=alert.subject, minutes=minutes, by=by, reason=reason)
