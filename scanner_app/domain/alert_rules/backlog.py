"""Bars of a symbol come faster than they are worked off."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity

DEFAULT_BACKLOG = 10_000
"""SCANNER_ALERT_BACKLOG, unless it is set: bars of one symbol."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each symbol with more waiting bars than the limit, disabled ones included: they fill up too."""
    for one in facts.symbols:
        if one.backlog > facts.limits.backlog:
            yield Finding(
                message=f"{one.ticker}: {one.backlog:,} bars wait, more than {facts.limits.backlog:,}.",
                symbol_id=one.id,
                ticker=one.ticker,
                within=one.consumers,
            )


RULE = Rule(
    name="backlog",
    severity=Severity.WARNING,
    title="many of its bars wait",
    many="symbols have a long backlog",
    find=find,
    for_s=60,  # a replay, or the hours after a stop, are worked off in that time
    clear_s=30,
    renew_s=3_600,
    muted_by=("no_worker",),
)
