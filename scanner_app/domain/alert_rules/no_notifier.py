"""No worker sends notifications."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity
from scanner_app.domain.worker_roles import Role


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for the whole scanner."""
    if not facts.broker.answers:
        return None
    if any(worker.role == Role.NOTIFY for worker in facts.broker.workers):
        return []
    return [Finding(message="No living notify worker: messages are kept, and nobody sends them.")]


RULE = Rule(
    name="no_notifier",
    severity=Severity.WARNING,
    title="nobody sends messages",
    find=find,
    for_s=60,
    clear_s=15,
    renew_s=3_600,
)
