"""A program of `make up` can't be kept running: supervisor has given it up."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import ErrorSource, Severity
from scanner_app.domain.unexpected import sentence


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each such program."""
    for one in facts.unexpected:
        if one.source is ErrorSource.GIVEN_UP and one.counts(facts.now):
            yield Finding(subject=one.name, message=sentence(one))


RULE = Rule(
    name="program_down",
    severity=Severity.ERROR,
    title="a program can't be kept running",
    plural_title="programs can't be kept running",
    find=find,
    for_s=0,  # supervisor has tried several times before
    clear_s=30,
    renew_s=3_600,
)
