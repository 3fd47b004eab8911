"""A symbol without trouble: its head runs or is due, or nothing waits."""

from scanner_app.domain import wording
from scanner_app.domain.enums import SymbolState
from scanner_app.domain.explanation.case import IN_ORDER, Case, case_of
from scanner_app.domain.explanation.messages import location_of, location_phrase, when_it_runs, why_not_running
from scanner_app.domain.explanation.next_steps import worked_off
from scanner_app.domain.explanation.phrases import bar_phrase, joined, waiting_phrase
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.explanation.situation import HeadSituation, MessageLocation, Situation


def processing_case(situation: Situation, head: HeadSituation) -> Case:
    """The head runs, or is due."""
    behind = situation.backlog - 1
    lead: str = SymbolState.PROCESSING
    code = {MessageLocation.WORKER: Code.RUNNING, MessageLocation.NOWHERE: Code.LOST}.get(location_of(head), Code.DUE)
    if situation.catching_up and behind and code is Code.RUNNING:
        code, lead = Code.CATCHING_UP, "catching up after a pause"
    following = when_it_runs(situation, head)
    if code is Code.CATCHING_UP:
        following = f"Now {worked_off(situation.ticker)}."
    return case_of(
        code,
        head.due_since,
        joined(
            f"{lead}: the {bar_phrase(situation, head)} {location_phrase(situation, head)}",
            waiting_phrase(situation, behind, where=" behind it"),
        ),
        why_not_running(situation, head),
        following,
    )


def idle_case(situation: Situation) -> Case:
    """No bar waits."""
    following = "runs as soon as it is accepted"
    if not situation.ever_accepted:
        since = wording.clock(situation.created_at, situation.now)
        return case_of(
            Code.EMPTY,
            situation.created_at,
            f"no bar yet: added at {since}",
            f"No bar of {situation.ticker} was ever accepted.",
            f"Its first bar {following}.",
        )
    last = situation.last_processed_at
    done = "" if last is None else f", the last at {wording.clock(last, situation.now)}"
    return case_of(Code.IDLE, last, f"idle: all its bars are finished{done}", IN_ORDER, f"Its next bar {following}.")
