"""The alert rules, one per file: each is data and a pure function.

interface.py defines what a rule is and which facts it gets. A rule's runbook is docs/runbook/NAME.md.
"""

from scanner_app.domain.alert_rules import (
    backlog,
    beat_late,
    broker_away,
    deaf_worker,
    failed_rule,
    feed_down,
    feed_silent,
    gap_open,
    healthy_share,
    no_notifier,
    no_worker,
    open_breakers,
    program_down,
    quarantine,
    repeated_outages,
    slow_broker,
    slow_database,
    slow_symbol,
    stale_symbol,
    stuck_head,
    sweeper_late,
    unexpected_errors,
    worker_clock,
)
from scanner_app.domain.alert_rules.interface import (
    BREAKER,
    BrokerFacts,
    Facts,
    FailedRule,
    FeedFacts,
    Finding,
    Limits,
    Rule,
    SymbolFacts,
    WorkerFacts,
    runbook_file,
    runbook_page,
)

__all__ = [
    "BREAKER",
    "RULES",
    "BrokerFacts",
    "Facts",
    "FailedRule",
    "FeedFacts",
    "Finding",
    "Limits",
    "Rule",
    "SymbolFacts",
    "WorkerFacts",
    "runbook_file",
    "runbook_page",
]

RULES: dict[str, Rule] = {
    module.RULE.name: module.RULE
    for module in (
        broker_away,
        no_worker,
        beat_late,
        sweeper_late,
        open_breakers,
        repeated_outages,
        stuck_head,
        deaf_worker,
        healthy_share,
        slow_database,
        slow_broker,
        slow_symbol,
        feed_down,
        feed_silent,
        gap_open,
        stale_symbol,
        backlog,
        worker_clock,
        no_notifier,
        program_down,
        unexpected_errors,
        quarantine,
        failed_rule,
    )
}
"""Every rule by its name. A rule comes after the rules that mute it."""
