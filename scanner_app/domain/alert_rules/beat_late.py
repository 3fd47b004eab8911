"""Beat does not trigger the periodic tasks."""

from collections.abc import Iterable

from scanner_app.domain import wording
from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity

PATIENCE_S = 15.0
"""Seconds without a trigger by beat, which sends one every few seconds."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole scanner. Without beat the rules are still evaluated, by the beat backup."""
    patience_s = max(PATIENCE_S, 3 * facts.watch_s)
    if facts.beat_ago_s is None:
        yield Finding(
            message="Beat has never triggered a periodic task: the sweeper does not run, and lost bars stay lost."
        )
    elif facts.beat_ago_s > patience_s:
        yield Finding(
            message=f"Beat has triggered no periodic task for {wording.span(facts.beat_ago_s)}: lost bars stay lost."
        )


RULE = Rule(
    name="beat_late",
    severity=Severity.ERROR,
    title="beat is late",
    find=find,
    for_s=10,  # with the patience: 25 s, more than a restart takes
    clear_s=15,
    renew_s=1_800,
)
