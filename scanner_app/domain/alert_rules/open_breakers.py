"""Many breakers are open at once."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule, some_names
from scanner_app.domain.enums import Severity
from scanner_app.domain.wording import clock

DEFAULT_OPEN_BREAKERS = 3
"""SCANNER_ALERT_OPEN_BREAKERS, unless it is set. Given by the requirements."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole scanner. A half-open breaker lets its probe run, so it does not count."""
    tickers = [one.ticker for one in facts.symbols if one.breaker_open]
    if len(tickers) > facts.limits.open_breakers:
        too_many = f"more than {facts.limits.open_breakers}: {some_names(tickers, len(tickers))}."
        yield Finding(
            message=f"{len(tickers):,} breakers are open, {too_many}",
            kept=f"{len(tickers):,} breakers were open at {clock(facts.now)}, {too_many}",
        )


RULE = Rule(
    name="open_breakers",
    severity=Severity.ERROR,
    title="many breakers are open",
    find=find,
    for_s=5,  # until a second evaluation confirms it: each opening has already been notified by itself
    clear_s=60,  # two recovery times: a breaker whose probe fails is half-open, so not counted, for an instant
    renew_s=1_800,
    counts_at_once=True,  # given by the requirements
)
