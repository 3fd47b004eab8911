"""A symbol's head could run, but is not processed."""

from collections.abc import Iterable

from scanner_app.domain import wording
from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule
from scanner_app.domain.enums import Severity

DEFAULT_STUCK_S = 60
"""SCANNER_ALERT_STUCK_S, unless it is set."""


def find(facts: Facts) -> Iterable[Finding]:
    """One finding for each symbol whose head has been due, without a pause, for longer than the limit.

    Heads that wait in line for a free worker are one finding together: where more bars come than the workers can do,
    thousands of symbols wait, and there is one thing to be done about it.
    """
    in_line, longest_s = 0, 0.0
    for one in facts.symbols:
        if one.due_since is None:
            continue
        due_s = (facts.now - one.due_since).total_seconds()
        if due_s > facts.limits.stuck_s and one.in_line:
            in_line, longest_s = in_line + 1, max(longest_s, due_s)
        elif due_s > facts.limits.stuck_s:
            stuck = f"processed for {wording.span(due_s)}; {wording.counted(one.backlog, 'bar')} waiting."
            yield Finding(
                message=f"{one.ticker}: its next bar could run, and has not been {stuck}",
                kept=f"{one.ticker}: at {wording.clock(facts.now)} its next bar could run, and had not been {stuck}",
                symbol_id=one.id,
                ticker=one.ticker,
                stronger_subject=one.lane,
            )
    if in_line:
        waiting = f"for a free worker for up to {wording.span(longest_s)}: more bars come than the workers can do."
        symbols = wording.counted(in_line, "symbol")
        yield Finding(
            message=f"Bars of {symbols} wait {waiting}",
            kept=f"At {wording.clock(facts.now)} bars of {symbols} waited {waiting}",
        )


RULE = Rule(
    name="stuck_head",
    severity=Severity.ERROR,
    title="its next bar is stuck",
    plural_title="symbols are stuck",
    find=find,
    for_s=15,  # the limit is a time already; this is for the start after a stop, when every waiting head is old
    clear_s=30,
    renew_s=1_800,
    muted_by=("no_worker", "broker_away", "repeated_outages"),
)
