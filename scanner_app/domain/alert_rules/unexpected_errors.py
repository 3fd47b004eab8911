"""A program, a task or the web failed in a way that nobody expected: a bug, most likely."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import ErrorSource, Severity
from scanner_app.domain.unexpected import QUIET, RECENT, summary

SUBJECTS = {ErrorSource.RESTART: "programs", ErrorSource.TASK: "tasks", ErrorSource.WEB: "web"}
"""One alert for each source, so that a web that is broken does not hide a task that breaks later."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each source that had errors lately."""
    lately = [one for one in facts.unexpected if one.counts(facts.now)]
    down = {one.name for one in lately if one.source is ErrorSource.GIVEN_UP}  # program_down tells of these
    for source, subject in SUBJECTS.items():
        series = [one for one in lately if one.source is source]
        if source is ErrorSource.RESTART:
            series = [one for one in series if one.name not in down]
        if series:
            yield Finding(subject=subject, message=summary(series))


RULE = Rule(
    name="unexpected_errors",
    severity=Severity.WARNING,
    title="unexpected errors",
    find=find,
    for_s=10,  # so that the message has the count of more than the first moment
    clear_s=(QUIET - RECENT).total_seconds(),
    renew_s=3_600,
)
