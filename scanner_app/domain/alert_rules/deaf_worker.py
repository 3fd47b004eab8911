"""A worker lives but takes no messages."""

from collections.abc import Iterable

from scanner_app.domain import wording
from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each deaf worker."""
    if not facts.broker.answers:
        return None
    return [
        Finding(
            message=f"Worker {worker.name} lives and has free slots, but has had no answer from the broker for "
            f"{wording.span(worker.unanswered_s)}.",
            subject=worker.name,
        )
        for worker in facts.broker.workers
        if worker.deaf
    ]


RULE = Rule(
    name="deaf_worker",
    severity=Severity.ERROR,
    title="a worker is deaf",
    plural_title="workers are deaf",
    find=find,
    for_s=15,  # normally the watchdog ends the worker before that, and it is restarted
    clear_s=15,
    renew_s=1_800,
)
