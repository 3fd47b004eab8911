"""Silences: nothing is sent about a rule, a symbol or both until a time, also before anything has fired."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from scanner_app.alerts.acknowledge import MAX_SILENCE_MINUTES
from scanner_app.domain.alert_rules import BREAKER, RULES
from scanner_app.domain.enums import EventKind
from scanner_app.domain.wording import clock, with_reason
from scanner_app.mailbox.events import add_event
from scanner_app.models import Silence, Symbol

log = structlog.get_logger(__name__)

LONGEST = timedelta(minutes=MAX_SILENCE_MINUTES)
"""As long as one alert can be silenced."""

RULE_NAMES = (*RULES, BREAKER)
"""What can be silenced: each rule, and the messages about breakers."""


def add(rule: str, symbol: Symbol | None, *, until: datetime, by: str, now: datetime, reason: str = "") -> Silence:
    """Send nothing about the rule's alerts of the symbol until that time. "" means all rules, None all symbols.

    Raises ValueError, with a sentence, for an unknown rule, and unless `until` is after `now` by at most LONGEST.
    """
    if rule and rule not in RULE_NAMES:
        raise ValueError(f"{rule!r} is no rule; the rules are {', '.join(sorted(RULE_NAMES))}")
    check_until(until, now)
    with transaction.atomic():
        silence = Silence.objects.create(
            rule=rule, symbol=symbol, until=until, reason=reason, created_at=now, created_by=by
        )
        if symbol is not None:
            _record(silence, EventKind.SILENCED, by, now, reason)
    log.info("silenced", rule=rule, symbol=symbol and symbol.ticker, until=until, by=by, reason=reason)
    return silence


def end(silence: Silence, *, by: str, now: datetime, reason: str = "") -> bool:
    """End a silence before its time. False, with nothing changed, if it is over already."""
    with transaction.atomic():
        changed = Silence.objects.filter(pk=silence.pk, ended_at=None, until__gt=now).update(ended_at=now, ended_by=by)
        if changed and silence.symbol_id is not None:
            _record(silence, EventKind.UNSILENCED, by, now, reason)
    if changed:
        log.info("unsilenced", rule=silence.rule, silence=silence.pk, by=by, reason=reason)
    return bool(changed)


def check_until(until: datetime, now: datetime) -> None:
    """Raises ValueError, with a sentence, unless `until` is after `now` by at most LONGEST."""
    if until <= now:
        raise ValueError(f"must be in the future; it is {clock(now)} now")
    if until > now + LONGEST:
        raise ValueError(f"must be within {LONGEST.days} days")


def _record(silence: Silence, kind: EventKind, by: str, now: datetime, reason: str) -> None:
    assert silence.symbol_id is not None  # noqa: S101 - callers have looked
    name = silence.rule or "all rules"
    text = with_reason(f"{name} until {clock(silence.until)}", reason)
    add_event(silence.symbol_id, kind, now, actor=by, reason=text)
