"""A program, a task or the web failed in a way that nobody expected: a bug, most likely."""

from collections.abc import Iterable
from datetime import datetime

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import ErrorSource, Severity
from scanner_app.domain.unexpected import DOWN_FOR, QUIET, RECENT, UnexpectedErrors, summary

SUBJECTS = {ErrorSource.RESTART: "programs", ErrorSource.TASK: "tasks", ErrorSource.WEB: "web"}
"""One alert for each source, so that a web that is broken does not hide a task that breaks later."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each source that had errors lately."""
    given_up = {one.name: one.last_at for one in facts.unexpected if one.source is ErrorSource.GIVEN_UP}
    for source, subject in SUBJECTS.items():
        series = [one for one in facts.unexpected if one.source is source and one.counts(facts.now)]
        if source is ErrorSource.RESTART:
            series = [one for one in series if not _is_told_as_down(one, given_up.get(one.name))]
        if series:
            yield Finding(subject=subject, message=summary(series))


def _is_told_as_down(one: UnexpectedErrors, given_up: datetime | None) -> bool:
    """Whether program_down tells of these restarts: tries of a program that was given up, the last one included."""
    return given_up is not None and one.last_at <= given_up + DOWN_FOR


RULE = Rule(
    name="unexpected_errors",
    severity=Severity.WARNING,
    title="unexpected errors",
    find=find,
    for_s=10,  # so that the message has the count of more than the first moment
    clear_s=(QUIET - RECENT).total_seconds(),
    renew_s=3_600,
)
