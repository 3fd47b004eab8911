"""A live feed is connected, but its bars are overdue."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import FeedState, Severity
from scanner_app.domain.feed_sentences import trouble
from scanner_app.domain.wording import clock


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each feed that is silent."""
    if not facts.broker.answers:
        return None
    return [
        Finding(
            message=trouble(one.name, one.state, quiet_s=one.quiet_s),
            kept=f"At {clock(facts.now)}: {trouble(one.name, one.state, quiet_s=one.quiet_s)}",
            subject=one.name,
        )
        for one in facts.feeds
        if one.state is FeedState.SILENT
    ]


RULE = Rule(
    name="feed_silent",
    severity=Severity.WARNING,
    title="a live feed is silent",
    plural_title="live feeds are silent",
    find=find,
    for_s=60,  # meanwhile the feed asks for history, and reconnects if that has bars
    clear_s=30,
    renew_s=3_600,
    muted_by=("broker_away",),
)
