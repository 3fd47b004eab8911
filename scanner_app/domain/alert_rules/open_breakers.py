"""Many breakers are open at once."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule, named
from scanner_app.domain.enums import Severity

DEFAULT_OPEN_BREAKERS = 3
"""SCANNER_ALERT_OPEN_BREAKERS, unless it is set. Given by the requirements."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for the whole. A breaker that is half-open lets its probe run and does not count."""
    tickers = [one.ticker for one in facts.symbols if one.breaker_open]
    if len(tickers) > facts.limits.open_breakers:
        yield Finding(
            message=f"{len(tickers):,} breakers are open, more than {facts.limits.open_breakers}: "
            f"{named(tickers, len(tickers))}."
        )


RULE = Rule(
    name="open_breakers",
    severity=Severity.ERROR,
    title="many breakers are open",
    find=find,
    for_s=5,  # a second look confirms the first: each opening has its own message already
    clear_s=60,  # two recovery times: at its half-open moment a breaker that opens again is not open for an instant
    renew_s=1_800,
    at_once=True,  # given by the requirements
)
