"""No worker sends notifications, or tells hits."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity
from scanner_app.domain.worker_roles import Role


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for the notifications, and one for the hits."""
    if not facts.broker.answers:
        return None
    living = {worker.role for worker in facts.broker.workers}
    found = []
    if Role.NOTIFY not in living:
        found.append(Finding(message="No living notify worker: messages are kept, and nobody sends them."))
    if Role.HITS not in living:
        found.append(
            Finding(message="No living hits worker: hits are kept, and nobody is told.", subject=Role.HITS.value)
        )
    return found


RULE = Rule(
    name="no_notifier",
    severity=Severity.WARNING,
    title="nobody sends messages",
    find=find,
    for_s=60,
    clear_s=15,
    renew_s=3_600,
)
