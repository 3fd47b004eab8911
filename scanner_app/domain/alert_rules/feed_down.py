"""A live feed is not connected, or no process runs it."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import FeedState, Severity
from scanner_app.domain.feed_sentences import trouble


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each feed that is down."""
    if not facts.broker.answers:
        return None
    return [
        Finding(message=trouble(one.name, one.state, error=one.last_error), subject=one.name)
        for one in facts.feeds
        if one.state is FeedState.DOWN
    ]


RULE = Rule(
    name="feed_down",
    severity=Severity.ERROR,
    title="a live feed is down",
    plural_title="live feeds are down",
    find=find,
    for_s=60,  # a reconnect, or the start of its process, takes some seconds
    clear_s=30,
    renew_s=3_600,
    muted_by=("broker_away",),
    says_cause=True,
)
