"""What follows a run that succeeds or fails."""

from datetime import timedelta

from scanner_app.domain import wording
from scanner_app.domain.breaker import State
from scanner_app.domain.explanation.phrases import recovery_phrase
from scanner_app.domain.explanation.situation import HeadSituation, Situation


def while_open(*, ticker: str, probe_from: str, probe: str, if_it_fails: str) -> str:
    """What happens next while a breaker is open. Explanations and mails use it."""
    return (
        f"The breaker is open, and no bar of {ticker} runs. From {probe_from} on, {probe} runs once, as the probe. "
        f"If that succeeds, the breaker closes and the waiting bars follow in order; if it fails, {if_it_fails}."
    )


def opens_again(recovery: timedelta) -> str:
    """What a failed probe leads to. Explanations and mails use it."""
    return f"the breaker stays open for another {wording.span(recovery.total_seconds())}"


def worked_off(ticker: str) -> str:
    """What follows a pause. Explanations and mails use it."""
    return f"the waiting bars of {ticker} are processed in order"


def if_it_succeeds(situation: Situation) -> str:
    """What follows if the next run succeeds."""
    rest = "the waiting bars follow in order" if situation.backlog > 1 else "the next bar runs as soon as it arrives"
    return rest if situation.breaker_state is State.CLOSED else f"the breaker closes and {rest}"


def if_it_fails(situation: Situation, head: HeadSituation) -> str:
    """What follows if the next run fails."""
    if head.replayed:
        return "it goes back into quarantine; its symbol's failures and breaker do not change"
    if head.attempts >= len(situation.delays_s):
        return "its retries are used up, and a control run on the last good bar decides whether the bar is at fault"
    if situation.breaker_state is not State.CLOSED:
        return opens_again(situation.rules.recovery)
    if situation.breaker.failures + 1 >= situation.rules.threshold:
        return f"the breaker opens for {recovery_phrase(situation)}"
    return f"it is tried again {wording.span(situation.delays_s[head.attempts])} later"
