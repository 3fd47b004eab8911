"""Other settings of the breaker as they are asked for, and what they would have changed in words. No Django."""

from collections.abc import Sequence
from datetime import timedelta

from scanner_app.domain.breaker import Rules
from scanner_app.domain.what_if import Difference, Setting
from scanner_app.domain.wording import counted, span

MOST_DAYS = 3_650
"""How far back failures can be asked for."""

MOST_DELAY_S = 1e6
"""A delay is shorter than this: some eleven days."""

NO_DELAYS = "delays must be seconds such as 1,2,4"


def other_setting(
    present: Setting, *, threshold: int | None, recovery_s: float | None, delays_s: Sequence[float] | None
) -> Setting:
    """The present setting with what is given in its place. Raises ValueError if it can't be, or if nothing is given."""
    if threshold is None and recovery_s is None and delays_s is None:
        raise ValueError("give at least one of threshold, recovery and delays")
    try:
        recovery = present.rules.recovery if recovery_s is None else timedelta(seconds=recovery_s)
    except OverflowError:
        raise ValueError(f"recovery of {recovery_s:g} s is too long") from None
    rules = Rules(threshold=present.rules.threshold if threshold is None else threshold, recovery=recovery)
    delays = present.delays_s if delays_s is None else list(delays_s)
    if not all(0 <= one < MOST_DELAY_S for one in delays):
        raise ValueError(NO_DELAYS)
    return Setting(rules=rules, delays_s=delays)


def delays_of(text: str) -> list[float]:
    """Delays in s from text such as "1,2,4". Raises ValueError, also without any."""
    try:
        delays = [float(one) for one in text.split(",") if one.strip()]
    except ValueError:
        delays = []
    if not delays:
        raise ValueError(NO_DELAYS)
    return delays


def named(setting: Setting) -> str:
    """The setting in words."""
    delays = ",".join(f"{one:g}" for one in setting.delays_s)
    return (
        f"threshold {setting.rules.threshold}, recovery {setting.rules.recovery.total_seconds():g} s, delays {delays}"
    )


def sentence(found: Difference) -> str:
    """What another setting would have changed, such as "4 openings fewer, as many failed runs, 12 bars later"."""
    parts = [
        _more_or_fewer(found.openings_if - found.openings, "opening"),
        _more_or_fewer(found.failed_runs_if - found.failed_runs, "failed run"),
    ]
    if found.bars_later:
        parts.append(f"{counted(found.bars_later, 'bar')} later, by up to {span(found.longest_later_s)}")
    if found.bars_sooner:
        parts.append(f"{counted(found.bars_sooner, 'bar')} sooner, by up to {span(found.longest_sooner_s)}")
    return ", ".join(parts)


def _more_or_fewer(difference: int, word: str) -> str:
    if not difference:
        return f"as many {word}s"
    return f"{counted(abs(difference), word)} {'more' if difference > 0 else 'fewer'}"
