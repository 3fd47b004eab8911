"""A head that has failed: its retries, its control run, its hold."""

from scanner_app.domain import wording
from scanner_app.domain.explanation.case import Case, case_of
from scanner_app.domain.explanation.messages import location_phrase, next_try_phrase, when_it_runs
from scanner_app.domain.explanation.next_steps import if_it_fails, if_it_succeeds
from scanner_app.domain.explanation.phrases import (
    bar_phrase,
    error_phrase,
    joined,
    recovery_phrase,
    since_phrase,
    waiting_phrase,
)
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.explanation.situation import Facts, Head


def retry_case(facts: Facts, head: Head) -> Case:
    """The head has failed, and waits for its next attempt."""
    failures, threshold = facts.breaker.failures, facts.rules.threshold
    return case_of(
        Code.RETRY,
        head.failing_since,
        joined(
            f"{facts.state}{since_phrase(head.failing_since, facts.now)}: "
            f"failure {failures} of {threshold} on the {bar_phrase(facts, head)}",
            next_try_phrase(facts, head),
            waiting_phrase(facts, facts.backlog),
        ),
        error_phrase(facts, head),
        f"{when_it_runs(facts, head)} If it succeeds, {if_it_succeeds(facts)}; "
        f"if it fails, {if_it_fails(facts, head)}.",
    )


def control_case(facts: Facts, head: Head) -> Case:
    """The retries are used up, and the control run is out."""
    return case_of(
        Code.CONTROL,
        head.failing_since,
        joined(
            f"{facts.state}{since_phrase(head.failing_since, facts.now)}: "
            f"all {wording.counted(head.attempts, 'attempt')} of the {bar_phrase(facts, head)} failed",
            f"its control run {location_phrase(facts, head)}",
            waiting_phrase(facts, facts.backlog),
        ),
        error_phrase(facts, head),
        "The control run lets the detectors work on the last good bar once more. If they succeed, the fault is the "
        "bar's: it is set aside in quarantine and the next one runs. If they fail too, the symbol holds and tries the "
        f"bar every {recovery_phrase(facts)}.",
    )


def hold_case(facts: Facts, head: Head) -> Case:
    """The symbol holds."""
    since = head.failing_since if facts.held is None else facts.held.at
    why = "" if facts.held is None else f": {wording.one_line(facts.held.reason)}"
    return case_of(
        Code.HOLD,
        since,
        joined(
            f"{facts.state}{since_phrase(since, facts.now)}: "
            f"holds after {wording.counted(head.attempts, 'failed attempt')} of the {bar_phrase(facts, head)}",
            next_try_phrase(facts, head),
            waiting_phrase(facts, facts.backlog),
        ),
        f"The fault is not the bar's{why}. {error_phrase(facts, head)}",
        f"The bar is tried every {recovery_phrase(facts)}, without limit, until it succeeds or somebody resets or "
        f"skips it. If it succeeds, {if_it_succeeds(facts)}.",
    )
