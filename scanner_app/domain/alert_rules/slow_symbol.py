"""A symbol's bars take long from their acceptance to their result."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity
from scanner_app.domain.wording import clock

DEFAULT_P95_MS = 200
"""SCANNER_ALERT_P95_MS, unless it is set. Given by the requirements."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each symbol whose p95 of the last five minutes is over the limit."""
    for one in facts.symbols:
        limit_ms = facts.limits.p95_ms if one.p95_limit_ms is None else one.p95_limit_ms
        if one.slow_p95_ms > limit_ms:
            figure, over = f"{one.slow_p95_ms:,} ms", f"over {limit_ms:,} ms"
            yield Finding(
                message=f"{one.ticker}: its p95 latency is {figure}, {over}.",
                kept=f"{one.ticker}: its p95 latency was {figure} at {clock(facts.now)}, {over}.",
                symbol_id=one.id,
                ticker=one.ticker,
                stronger_subject=one.lane,
            )


RULE = Rule(
    name="slow_symbol",
    severity=Severity.WARNING,
    title="its bars take long",
    plural_title="symbols are slow",
    find=find,
    for_s=15,
    clear_s=60,
    renew_s=3_600,
    muted_by=("no_worker",),
    counts_at_once=True,  # given by the requirements
)
