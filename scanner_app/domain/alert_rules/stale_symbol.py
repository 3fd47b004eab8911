"""A symbol's feed is late, counted in its market's trading time."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity
from scanner_app.domain.wording import clock

DEFAULT_STALE_S = 900
"""SCANNER_ALERT_STALE_S, unless it is set."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each enabled symbol that has been stale for longer than the limit."""
    for one in facts.symbols:
        if one.enabled and one.stale_for_s > facts.limits.stale_s:
            missing = f"no new bar for {one.stale_for_s / 60:,.0f} minutes of its market's trading time"
            yield Finding(
                message=f"{one.ticker}: {missing} beyond what its timeframe allows.",
                kept=f"{one.ticker}: at {clock(facts.now)} {missing} beyond what its timeframe allows.",
                symbol_id=one.id,
                ticker=one.ticker,
                stronger_subject=one.lane,
            )


RULE = Rule(
    name="stale_symbol",
    severity=Severity.WARNING,
    title="its feed is stale",
    plural_title="symbols are stale",
    find=find,
    for_s=60,  # the limit is a time already; this gives the feed time to return after a stop of the scanner
    clear_s=30,
    renew_s=6 * 3_600,
    muted_by=("no_worker",),
)
