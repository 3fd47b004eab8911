"""The database takes long to answer."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity

DEFAULT_ANSWER_MS = 500
"""SCANNER_ALERT_ANSWER_MS, unless it is set; the rule slow_broker uses it too."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole scanner."""
    if facts.database_ms > facts.limits.answer_ms:
        yield Finding(
            message=f"The database took {facts.database_ms:,.0f} ms for one small write, over "
            f"{facts.limits.answer_ms:,} ms."
        )


RULE = Rule(
    name="slow_database",
    severity=Severity.WARNING,
    title="the database is slow",
    find=find,
    for_s=15,  # three evaluations in a row: a single slow write may be a checkpoint or a backup
    clear_s=60,
    renew_s=3_600,
)
