"""Beat does not ask for what runs regularly."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity

PATIENCE_S = 15.0
"""Seconds without a question of beat, which comes every few."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole. The rules are still evaluated then: the upkeep worker asks in beat's place."""
    patience_s = max(PATIENCE_S, 3 * facts.watch_s)
    if facts.beat_ago_s is None:
        yield Finding(message="Beat has never asked for anything: nobody sweeps, and lost bars stay lost.")
    elif facts.beat_ago_s > patience_s:
        yield Finding(message=f"Beat has asked for nothing for {facts.beat_ago_s:,.0f} s: lost bars stay lost.")


RULE = Rule(
    name="beat_late",
    severity=Severity.ERROR,
    title="beat is late",
    find=find,
    for_s=10,  # with the patience: 25 s, more than a restart takes
    clear_s=15,
    renew_s=1_800,
)
