"""Decide what follows a failed run of a head: a retry, the control run, or the next probe of a hold.

The delays are the setting SCANNER_RETRY_DELAYS. Celery does the retries.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner_app.domain import breaker
from scanner_app.domain.enums import Outcome, Stage

DEFAULT_DELAYS_S = (1, 2, 4, 8, 16, 30)
"""SCANNER_RETRY_DELAYS, unless it is set: seconds before retry 1, 2, … of a bar. Given by the requirements."""

RETRIES_USED_UP = "its retries are used up, and the control run on the last good bar succeeded"
"""Why a bar is in quarantine that failed at each attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What follows a failure."""

    outcome: Outcome
    stage: Stage = Stage.RUN
    retry_delay_s: float | None = None  # from the setting, or the recovery time in a hold; None: no retry
    next_attempt_at: datetime | None = None  # when it will run: later than the delay if the breaker is open


def after_failure(
    *,
    attempts: int,
    delays_s: list[float],
    holding: bool,
    breaker_value: breaker.Breaker,
    rules: breaker.Rules,
    now: datetime,
) -> NextStep:
    """What follows the `attempts`-th failure of a head, which `breaker_value` has counted already."""
    if holding:
        outcome, stage, delay_s = Outcome.HOLDING, Stage.HOLD, rules.recovery.total_seconds()
    elif attempts <= len(delays_s):
        outcome, stage, delay_s = Outcome.RETRYING, Stage.RUN, delays_s[attempts - 1]
    else:
        return NextStep(outcome=Outcome.CONTROL, stage=Stage.CONTROL)
    return NextStep(
        outcome=outcome,
        stage=stage,
        retry_delay_s=delay_s,
        next_attempt_at=breaker.due(breaker_value, rules, now, own=now + timedelta(seconds=delay_s)),
    )
