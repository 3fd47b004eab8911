"""Too few symbols are healthy."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule, named
from scanner_app.domain.enums import Severity

DEFAULT_HEALTHY_PERCENT = 80
"""SCANNER_ALERT_HEALTHY_PERCENT, unless it is set. Given by the requirements."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole. Disabled symbols don't count; no symbols at all are healthy."""
    enabled = [one for one in facts.symbols if one.enabled]
    ill = [one.ticker for one in enabled if not one.healthy]
    healthy = len(enabled) - len(ill)
    # In integers: 0.8 * 5 need not be 4.
    if healthy * 100 < len(enabled) * facts.limits.healthy_percent:
        yield Finding(
            message=f"{healthy:,} of {len(enabled):,} symbols are healthy, which is under "
            f"{facts.limits.healthy_percent} %; not {named(ill, len(ill))}."
        )


RULE = Rule(
    name="healthy_share",
    severity=Severity.WARNING,
    title="too few symbols are healthy",
    find=find,
    for_s=15,  # a bad moment of many, which their first retries end, is none
    clear_s=60,  # two recovery times of a breaker: probes that fail make it swing
    renew_s=3_600,
    muted_by=("no_worker",),
    at_once=True,  # given by the requirements
)
