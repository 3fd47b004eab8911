"""A trader's rule raised while it was asked about a bar, and is off for that series."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity
from scanner_app.domain.wording import clock


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each rule."""
    for failed in facts.failed_rules:
        where = f"{failed.series:,} series" if failed.series > 1 else f"{failed.timeframe} bars of {failed.ticker}"
        yield Finding(
            subject=f"rule {failed.id}",
            message=f"{failed.owner}'s rule {failed.name!r} failed and is off for {where}: {failed.error}.",
            kept=f"{failed.owner}'s rule {failed.name!r} had failed at {clock(facts.now)} and was off for {where}: "
            f"{failed.error}.",
        )


RULE = Rule(
    name="failed_rule",
    severity=Severity.INFO,
    title="a trader's rule has failed",
    plural_title="traders' rules have failed",
    find=find,
    for_s=0,
    clear_s=15,
    renew_s=24 * 3_600,
)
