"""A worker's clock differs from the database's."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity

MAX_OFF_S = 1.0
"""Most seconds that a worker's clock may differ from the database's: the shortest retry delay."""


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each worker whose clock is off by more than MAX_OFF_S."""
    if not facts.broker.answers:
        return None
    return [
        Finding(message=sentence(worker.name, worker.clock_ahead_s), subject=worker.name)
        for worker in facts.broker.workers
        if worker.clock_ahead_s is not None and abs(worker.clock_ahead_s) > MAX_OFF_S
    ]


def sentence(worker: str, off_s: float) -> str:
    """The finding's message, which /readyz shows too."""
    return f"Worker {worker}: its clock is {abs(off_s):,.1f} s {'ahead of' if off_s > 0 else 'behind'} the database's."


RULE = Rule(
    name="worker_clock",
    severity=Severity.WARNING,
    title="a worker's clock is off",
    plural_title="workers' clocks are off",
    find=find,
    for_s=15,
    clear_s=30,
    renew_s=6 * 3_600,
)
