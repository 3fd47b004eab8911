"""Many runs in a row of one bar end with an outage of our own database or broker."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity

IN_A_ROW = 10
"""Outages of one bar in a row that make a finding: a restart causes fewer."""


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each such symbol. Outages never count against a bar, so no other rule would report them."""
    if not facts.broker.answers:
        return None
    return [
        Finding(
            message=f"{one.ticker}: {one.outages:,} runs in a row of its next bar ended with an outage of our own "
            "database or broker.",
            symbol_id=one.id,
            ticker=one.ticker,
        )
        for one in facts.symbols
        if one.outages >= IN_A_ROW
    ]


RULE = Rule(
    name="repeated_outages",
    severity=Severity.ERROR,
    title="outage after outage",
    plural_title="symbols meet outage after outage",
    find=find,
    for_s=0,  # ten outages in a row take at least half a minute
    clear_s=15,
    renew_s=1_800,
)
