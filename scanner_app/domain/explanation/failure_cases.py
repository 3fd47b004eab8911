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
from scanner_app.domain.explanation.situation import HeadSituation, Situation


def retry_case(situation: Situation, head: HeadSituation) -> Case:
    """The head has failed, and waits for its next attempt."""
    failures, threshold = situation.breaker.failures, situation.rules.threshold
    return case_of(
        Code.RETRY,
        head.failing_since,
        joined(
            f"{situation.state}{since_phrase(head.failing_since, situation.now)}: "
            f"failure {failures} of {threshold} on the {bar_phrase(situation, head)}",
            next_try_phrase(situation, head),
            waiting_phrase(situation, situation.backlog),
        ),
        error_phrase(situation, head),
        f"{when_it_runs(situation, head)} If it succeeds, {if_it_succeeds(situation)}; "
        f"if it fails, {if_it_fails(situation, head)}.",
    )


def control_case(situation: Situation, head: HeadSituation) -> Case:
    """The retries are used up, and the control run is out."""
    return case_of(
        Code.CONTROL,
        head.failing_since,
        joined(
            f"{situation.state}{since_phrase(head.failing_since, situation.now)}: "
            f"all {wording.counted(head.attempts, 'attempt')} of the {bar_phrase(situation, head)} failed",
            f"its control run {location_phrase(situation, head)}",
            waiting_phrase(situation, situation.backlog),
        ),
        error_phrase(situation, head),
        "The control run runs the detectors on the last good bar again. If they succeed, the bar is at "
        "fault: it goes into quarantine and the next one runs. If they fail too, the symbol goes on hold and "
        f"the bar is tried every {recovery_phrase(situation)}.",
    )


def hold_case(situation: Situation, head: HeadSituation) -> Case:
    """The symbol holds."""
    since = head.failing_since if situation.held is None else situation.held.at
    why = "" if situation.held is None else f": {wording.one_line(situation.held.reason)}"
    return case_of(
        Code.HOLD,
        since,
        joined(
            f"{situation.state}{since_phrase(since, situation.now)}: "
            f"on hold after {wording.counted(head.attempts, 'failed attempt')} of the {bar_phrase(situation, head)}",
            next_try_phrase(situation, head),
            waiting_phrase(situation, situation.backlog),
        ),
        f"The bar is not at fault{why}. {error_phrase(situation, head)}",
        f"The bar is tried every {recovery_phrase(situation)}, without limit, until it succeeds or an operator "
        f"resets or skips it. If it succeeds, {if_it_succeeds(situation)}.",
    )
