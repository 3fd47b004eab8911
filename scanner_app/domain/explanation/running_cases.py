"""A symbol without trouble: its head runs or is due, or nothing waits."""

from scanner_app.domain import wording
from scanner_app.domain.explanation.case import WELL, Case, case_of
from scanner_app.domain.explanation.messages import location_of, location_phrase, when_it_runs, why_not_running
from scanner_app.domain.explanation.next_steps import worked_off
from scanner_app.domain.explanation.phrases import bar_phrase, joined, waiting_phrase
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.explanation.situation import Facts, Head, Whereabouts


def processing_case(facts: Facts, head: Head) -> Case:
    """The head runs, or is due."""
    behind = facts.backlog - 1
    lead = "processing"
    code = {Whereabouts.WORKER: Code.RUNNING, Whereabouts.NOWHERE: Code.LOST}.get(location_of(head), Code.DUE)
    if facts.catching_up and behind and code is Code.RUNNING:
        code, lead = Code.CATCHING_UP, "catching up after a pause"
    following = when_it_runs(facts, head)
    if code is Code.CATCHING_UP:
        following = f"Now {worked_off(facts.ticker)}."
    return case_of(
        code,
        head.due_since,
        joined(
            f"{lead}: the {bar_phrase(facts, head)} {location_phrase(facts, head)}",
            waiting_phrase(facts, behind, where=" behind it"),
        ),
        why_not_running(facts, head),
        following,
    )


def idle_case(facts: Facts) -> Case:
    """No bar waits."""
    following = "runs as soon as it is accepted"
    if not facts.ever_accepted:
        since = wording.clock(facts.created_at, facts.now)
        return case_of(
            Code.EMPTY,
            facts.created_at,
            f"no bar yet: on the watch list since {since}",
            f"No bar of {facts.ticker} was ever accepted.",
            f"Its first bar {following}.",
        )
    last = facts.last_processed_at
    done = "" if last is None else f", the last at {wording.clock(last, facts.now)}"
    return case_of(Code.IDLE, last, f"idle: all its bars are done{done}", WELL, f"Its next bar {following}.")
