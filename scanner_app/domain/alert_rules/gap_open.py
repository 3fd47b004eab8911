"""Holes in the series of a live feed have been open for long."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import FeedState, Severity
from scanner_app.domain.wording import clock, counted, span

DEFAULT_GAP_S = 900
"""SCANNER_ALERT_GAP_S, unless it is set."""


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each feed with a hole that is older than the limit. While it is down, `feed_down` says why."""
    if not facts.broker.answers:
        return None
    found = []
    for one in facts.feeds:
        if one.oldest_gap_s <= facts.limits.gap_s or one.state is FeedState.DOWN:
            continue
        holes = f"{counted(one.gaps_open, 'hole')} of {counted(one.bars_missing, 'bar')}"
        found.append(
            Finding(
                message=f"Live feed {one.name} has {holes} open, the oldest for {span(one.oldest_gap_s)}.",
                kept=f"Live feed {one.name} had {holes} open at {clock(facts.now)}, the oldest for "
                f"{span(one.oldest_gap_s)}.",
                subject=one.name,
            )
        )
    return found


RULE = Rule(
    name="gap_open",
    severity=Severity.WARNING,
    title="holes of a live feed stay open",
    plural_title="live feeds have holes that stay open",
    find=find,
    for_s=0,  # the limit is a time already
    clear_s=30,
    renew_s=6 * 3_600,
    muted_by=("broker_away",),
)
