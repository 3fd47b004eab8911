"""Operators' acts on an alert. Neither changes whether it fires, nor what the overall status says."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from scanner_app.domain.enums import OPEN_STATES
from scanner_app.domain.errors import AlertOver
from scanner_app.models import Alert

log = structlog.get_logger(__name__)

MAX_SILENCE_MINUTES = 30 * 24 * 60
"""Longest silence: a month. What is to be silent for longer is a rule whose limit is wrong."""


def acknowledge(alert: Alert, *, by: str, now: datetime, reason: str = "") -> None:
    """Say that somebody knows: no more reminders; that it is over is told. Raises AlertOver.

    The first who says so stays: saying it again changes nothing.
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
    """Tell nothing of it for so many minutes, not even that it is over; 0 ends a silence. Raises AlertOver.

    It holds for the rule's next alerts of the same symbol or subject too, as long as its time is not over.
    Raises ValueError for minutes that are negative or more than MAX_SILENCE_MINUTES.
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
        # Those of its kind that are over have no say any more: this one has the last word on the next.
        same.exclude(pk=alert.pk).filter(silenced_until__gt=now).update(silenced_until=None)
    log.info("alert_silenced", rule=alert.rule, subject=alert.subject, minutes=minutes, by=by, reason=reason)
