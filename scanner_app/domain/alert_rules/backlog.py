"""A symbol has many waiting bars."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity
from scanner_app.domain.wording import clock

DEFAULT_BACKLOG = 10_000
"""SCANNER_ALERT_BACKLOG, unless it is set: bars of one symbol."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each symbol with more waiting bars than the limit. Disabled symbols count too."""
    for one in facts.symbols:
        if one.backlog > facts.limits.backlog:
            yield Finding(
                message=f"{one.ticker}: {one.backlog:,} bars wait, more than {facts.limits.backlog:,}.",
                kept=f"{one.ticker}: {one.backlog:,} bars waited at {clock(facts.now)}, more than "
                f"{facts.limits.backlog:,}.",
                symbol_id=one.id,
                ticker=one.ticker,
                stronger_subject=one.lane,
            )


RULE = Rule(
    name="backlog",
    severity=Severity.WARNING,
    title="many of its bars wait",
    plural_title="symbols have a long backlog",
    find=find,
    for_s=60,  # time to work off a replay, or the bars of a stop
    clear_s=30,
    renew_s=3_600,
    muted_by=("no_worker",),
)
