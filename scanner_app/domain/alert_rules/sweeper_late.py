"""The sweeper, which redelivers lost bars, does not run."""

from collections.abc import Iterable

from scanner_app.domain import wording
from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for the whole scanner."""
    if not facts.broker.answers:
        return None
    ago_s = facts.broker.swept_ago_s
    if ago_s is not None and ago_s <= facts.sweep_patience_s:
        return []
    since = f"for {wording.span(facts.sweep_memory_s)} or more" if ago_s is None else f"for {wording.span(ago_s)}"
    return [Finding(message=f"The sweeper has not run {since}: bars lost with a worker stay lost.")]


RULE = Rule(
    name="sweeper_late",
    severity=Severity.ERROR,
    title="the sweeper is late",
    find=find,
    for_s=10,
    clear_s=15,
    renew_s=1_800,
    muted_by=("beat_late",),
)
