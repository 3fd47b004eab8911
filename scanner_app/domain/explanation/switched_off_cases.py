"""A symbol that is disabled or being deleted."""

from datetime import datetime

from scanner_app.domain import wording
from scanner_app.domain.breaker import State
from scanner_app.domain.explanation.case import Case, case_of
from scanner_app.domain.explanation.phrases import bar_phrase, joined, since_phrase, waiting_phrase, who_phrase
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.explanation.situation import Facts, Whereabouts


def deleted_case(facts: Facts, deleted_at: datetime) -> Case:
    """It is being deleted."""
    return case_of(
        Code.DELETED,
        deleted_at,
        f"being deleted since {wording.clock(deleted_at, facts.now)}",
        who_phrase(facts.deleted, "deleted"),
        f"Its rows are removed in the background. Until they are gone, bars of {facts.ticker} are refused; "
        "after that the ticker is free again.",
    )


def disabled_case(facts: Facts) -> Case:
    """An operator has disabled it."""
    since = None if facts.switched is None else facts.switched.at
    running = facts.head is not None and facts.head.whereabouts is Whereabouts.WORKER
    following = "New bars are accepted and wait. Nothing runs until it is enabled"
    if facts.head is not None:
        following += f"; then the {bar_phrase(facts, facts.head)} runs first"
        if facts.circuit is State.OPEN:
            following += f", as the probe, not before {wording.clock(facts.half_open_at, facts.now)}"
    return case_of(
        Code.DISABLED,
        since,
        joined(
            f"disabled{since_phrase(since, facts.now)}",
            "a run that had begun may still finish" if running else "",
            waiting_phrase(facts, facts.backlog, once=" once it is enabled"),
        ),
        who_phrase(facts.switched, "disabled"),
        f"{following}.",
    )
