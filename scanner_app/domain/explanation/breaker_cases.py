"""A symbol whose breaker is open or half-open."""

from scanner_app.domain import wording
from scanner_app.domain.explanation.case import Case, case_of
from scanner_app.domain.explanation.messages import next_try_phrase, when_it_runs
from scanner_app.domain.explanation.next_steps import if_it_fails, if_it_succeeds, while_open
from scanner_app.domain.explanation.phrases import (
    bar_phrase,
    error_phrase,
    joined,
    since_phrase,
    time_until,
    waiting_phrase,
)
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.explanation.situation import Situation


def open_case(situation: Situation) -> Case:
    """The breaker is open."""
    since = situation.breaker.incident_at or situation.breaker.opened_at
    at = situation.next_attempt_at or situation.half_open_at
    lead = (
        f"{situation.state}{since_phrase(since, situation.now)}: "
        f"the breaker is open after {wording.in_a_row(situation.breaker.failures, 'failure')}"
    )
    if situation.head is None:
        return case_of(
            Code.OPEN,
            since,
            joined(lead, "no bar waits"),
            error_phrase(situation, None),
            f"Its next bar is the probe, from {wording.clock(at, situation.now)} on "
            f"(in {time_until(at, situation)}). If that succeeds, the breaker closes.",
        )
    return case_of(
        Code.OPEN,
        since,
        joined(
            lead,
            f"the {bar_phrase(situation, situation.head)} runs as the probe in {time_until(at, situation)}",
            waiting_phrase(situation, situation.backlog),
        ),
        error_phrase(situation, situation.head),
        while_open(
            ticker=situation.ticker,
            probe_from=wording.clock(at, situation.now),
            probe=f"the {bar_phrase(situation, situation.head)}",
            if_it_fails=if_it_fails(situation, situation.head),
        ),
    )


def half_open_case(situation: Situation) -> Case:
    """The breaker is half-open."""
    since = situation.breaker.incident_at or situation.breaker.opened_at
    lead = (
        f"{situation.state}{since_phrase(since, situation.now)}: "
        f"the breaker is half-open after {wording.in_a_row(situation.breaker.failures, 'failure')}"
    )
    if situation.head is None:
        return case_of(
            Code.PROBE,
            since,
            joined(lead, "no bar waits to be the probe"),
            error_phrase(situation, None),
            "The next bar runs as soon as it is accepted, as the probe. If it succeeds, the breaker closes.",
        )
    named = bar_phrase(situation, situation.head)
    return case_of(
        Code.PROBE,
        since,
        joined(
            lead,
            next_try_phrase(situation, situation.head, subject=f"the probe, the {named},"),
            waiting_phrase(situation, situation.backlog - 1, where=" behind it"),
        ),
        error_phrase(situation, situation.head),
        f"{when_it_runs(situation, situation.head)} If it succeeds, {if_it_succeeds(situation)}; "
        f"if it fails, {if_it_fails(situation, situation.head)}.",
    )
