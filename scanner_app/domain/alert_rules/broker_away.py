"""The broker does not answer, or takes no writes."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole scanner."""
    if not facts.broker.answers:
        what = "takes no writes" if facts.broker.refuses else "does not answer"
        yield Finding(message=f"The broker {what}: {facts.broker.error}. Bars are accepted, and wait.")


RULE = Rule(
    name="broker_away",
    severity=Severity.ERROR,
    title="the broker does not answer",
    find=find,
    for_s=0,  # at once: without the broker there may be no second evaluation
    clear_s=15,
    renew_s=1_800,
)
