"""Bars are in quarantine and wait for an operator."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule, some_names
from scanner_app.domain.enums import Severity
from scanner_app.domain.wording import clock


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole scanner."""
    if count := sum(facts.in_quarantine.values()):
        of = some_names(sorted(facts.in_quarantine), len(facts.in_quarantine))
        bars, are, were = ("1 bar", "is", "was") if count == 1 else (f"{count:,} bars", "are", "were")
        yield Finding(
            message=f"{bars} {are} in quarantine, of {of}.",
            kept=f"{bars} {were} in quarantine at {clock(facts.now)}, of {of}.",
        )


RULE = Rule(
    name="quarantine",
    severity=Severity.INFO,
    title="bars are in quarantine",
    find=find,
    for_s=15,
    clear_s=15,
    renew_s=24 * 3_600,
)
