"""Too few symbols are healthy."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule, some_names
from scanner_app.domain.enums import Severity
from scanner_app.domain.wording import clock

DEFAULT_HEALTHY_PERCENT = 80
"""SCANNER_ALERT_HEALTHY_PERCENT, unless it is set. Given by the requirements."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole scanner. Disabled symbols don't count. Without symbols there is no finding."""
    enabled = [one for one in facts.symbols if one.enabled]
    unhealthy = [one.ticker for one in enabled if not one.healthy]
    healthy = len(enabled) - len(unhealthy)
    # In integers, because a product of floats may miss the exact limit.
    if healthy * 100 < len(enabled) * facts.limits.healthy_percent:
        share = f"{healthy:,} of {len(enabled):,} symbols"
        which = f"which is under {facts.limits.healthy_percent} %; not {some_names(unhealthy, len(unhealthy))}."
        yield Finding(
            message=f"{share} are healthy, {which}",
            kept=f"{share} were healthy at {clock(facts.now)}, {which}",
        )


RULE = Rule(
    name="healthy_share",
    severity=Severity.WARNING,
    title="too few symbols are healthy",
    find=find,
    for_s=15,  # failures that the first retries heal are not worth an alert
    clear_s=60,  # two recovery times of a breaker: failing probes make the share swing
    renew_s=3_600,
    muted_by=("no_worker",),
    counts_at_once=True,  # given by the requirements
)
