"""No living worker takes the messages of a lane."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Lane, Severity


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each lane without a living worker.

    Other roles don't belong here: without the upkeep worker no rule is evaluated, which the status shows, and the
    notify worker has its own rule, no_notifier.
    """
    if not facts.broker.answers:
        return None
    living = {worker.role for worker in facts.broker.workers}
    return [
        Finding(message=f"No living worker takes the bars of the {lane} lane: they wait.", subject=lane.value)
        for lane in Lane
        if lane.value not in living
    ]


RULE = Rule(
    name="no_worker",
    severity=Severity.ERROR,
    title="no worker",
    find=find,
    for_s=20,  # a restarted worker is back in about ten seconds
    clear_s=30,  # meanwhile the waiting bars are worked off, so the rules muted by this one don't fire for them
    renew_s=1_800,
)
