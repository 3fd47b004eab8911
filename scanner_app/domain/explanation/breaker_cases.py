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
from scanner_app.domain.explanation.situation import Facts


def open_case(facts: Facts) -> Case:
    """The breaker is open."""
    since = facts.breaker.incident_at or facts.breaker.opened_at
    at = facts.next_attempt_at or facts.half_open_at
    lead = (
        f"{facts.state}{since_phrase(since, facts.now)}: "
        f"the breaker is open after {wording.in_a_row(facts.breaker.failures, 'failure')}"
    )
    if facts.head is None:
        return case_of(
            Code.OPEN,
            since,
            joined(lead, "no bar waits"),
            error_phrase(facts, None),
            f"Its next bar is the probe, from {wording.clock(at, facts.now)} on "
            f"(in {time_until(at, facts)}). If that succeeds, the breaker closes.",
        )
    return case_of(
        Code.OPEN,
        since,
        joined(
            lead,
            f"the {bar_phrase(facts, facts.head)} runs as the probe in {time_until(at, facts)}",
            waiting_phrase(facts, facts.backlog),
        ),
        error_phrase(facts, facts.head),
        while_open(
            ticker=facts.ticker,
            probe_from=wording.clock(at, facts.now),
            probe=f"the {bar_phrase(facts, facts.head)}",
            if_it_fails=if_it_fails(facts, facts.head),
        ),
    )


def half_open_case(facts: Facts) -> Case:
    """The breaker is half-open."""
    since = facts.breaker.incident_at or facts.breaker.opened_at
    lead = (
        f"{facts.state}{since_phrase(since, facts.now)}: "
        f"the breaker is half-open after {wording.in_a_row(facts.breaker.failures, 'failure')}"
    )
    if facts.head is None:
        return case_of(
            Code.PROBE,
            since,
            joined(lead, "no bar is there to be the probe"),
            error_phrase(facts, None),
            "The next bar runs as soon as it is accepted, as the probe. If it succeeds, the breaker closes.",
        )
    return case_of(
        Code.PROBE,
        since,
        joined(
            lead,
            next_try_phrase(facts, facts.head, subject=f"the probe, the {bar_phrase(facts, facts.head)},"),
            waiting_phrase(facts, facts.backlog - 1, where=" behind it"),
        ),
        error_phrase(facts, facts.head),
        f"{when_it_runs(facts, facts.head)} If it succeeds, {if_it_succeeds(facts)}; "
        f"if it fails, {if_it_fails(facts, facts.head)}.",
    )
