"""A symbol that is disabled or being deleted."""

from datetime import datetime

from scanner_app.domain import wording
from scanner_app.domain.breaker import State
from scanner_app.domain.explanation.case import Case, case_of
from scanner_app.domain.explanation.phrases import bar_phrase, joined, since_phrase, waiting_phrase, who_phrase
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.explanation.situation import MessageLocation, Situation


def deleted_case(situation: Situation, deleted_at: datetime) -> Case:
    """It is being deleted."""
    return case_of(
        Code.DELETED,
        deleted_at,
        f"being deleted since {wording.clock(deleted_at, situation.now)}",
        who_phrase(situation.deleted, "deleted"),
        f"Its rows are removed in the background. Until they are gone, bars of {situation.ticker} are refused; "
        "after that the ticker is free again.",
    )


def disabled_case(situation: Situation) -> Case:
    """An operator has disabled it."""
    since = None if situation.switched is None else situation.switched.at
    running = situation.head is not None and situation.head.location is MessageLocation.WORKER
    following = "New bars are accepted and wait. Nothing runs until it is enabled"
    if situation.head is not None:
        following += f"; then the {bar_phrase(situation, situation.head)} runs first"
        if situation.breaker_state is State.OPEN:
            following += f", as the probe, not before {wording.clock(situation.half_open_at, situation.now)}"
    return case_of(
        Code.DISABLED,
        since,
        joined(
            f"disabled{since_phrase(since, situation.now)}",
            "a run that has already started may still finish" if running else "",
            waiting_phrase(situation, situation.backlog, once=" once it is enabled"),
        ),
        who_phrase(situation.switched, "disabled"),
        f"{following}.",
    )
