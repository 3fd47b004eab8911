"""The broker takes long to answer."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for the whole scanner."""
    if not facts.broker.answers:
        return None
    if facts.broker.answer_ms <= facts.limits.answer_ms:
        return []
    took = f"{facts.broker.answer_ms:,.0f} ms for one small question, over {facts.limits.answer_ms:,} ms"
    return [Finding(message=f"The broker took {took}.")]


RULE = Rule(
    name="slow_broker",
    severity=Severity.WARNING,
    title="the broker is slow",
    find=find,
    for_s=15,
    clear_s=60,
    renew_s=3_600,
    muted_by=("broker_away",),
)
