"""Further facts about a symbol: notes, alerts, a late feed."""

from collections.abc import Iterator
from datetime import datetime

from scanner_app.domain import wording
from scanner_app.domain.alert_rules import runbook_page
from scanner_app.domain.explanation.phrases import since_phrase
from scanner_app.domain.explanation.result import Code
from scanner_app.domain.explanation.situation import FormingSituation, SecondLook, Situation, SlowLane


def notes_of(situation: Situation, code: Code) -> Iterator[str]:
    """The notes of an explanation."""
    if code is Code.DELETED:
        return
    head = situation.head
    if head is not None and head.replayed:
        yield "The current bar is a replay from quarantine: it has one attempt."
    elif head is not None and head.late:
        yield (
            "The current bar is late: a newer bar of its series is known. The detectors see the window that "
            "ends with it."
        )
    if head is not None and head.losses:
        times = wording.in_a_row(head.losses, "time")
        yield f"Its worker was lost {times}; after {situation.max_losses} times this counts as a failure."
    if situation.forming is not None:
        yield _forming(situation.forming, situation.now)
    if situation.slow is not None:
        yield _slow_lane(situation.slow, situation.now)
    if situation.quarantined:
        verb, them = ("is", "it") if situation.quarantined == 1 else ("are", "them")
        yield (
            f"{situation.quarantined:,} of its bars {verb} in quarantine until an operator replays or discards {them}, "
            f"or until new values for {them} arrive."
        )
    for look in situation.second_looks:
        yield _second_look(look, situation.now)


def _second_look(look: SecondLook, now: datetime) -> str:
    why = "bars were revised" if look.revised else "a detector or the bars below have changed"
    done = f"{look.bars_done:,} done, {look.bars_left:,} left"
    if not look.failures:
        return f"The detectors look again at its {look.timeframe} bars, because {why}: {done}."
    when = "" if look.next_attempt_at is None else f" at {wording.clock(look.next_attempt_at, now)}"
    error = wording.one_line(look.last_error)
    return (
        f"A detector failed when it looked again at a {look.timeframe} bar ({error}). The signals stay as they were; "
        f"the next attempt is{when or ' soon'}."
    )


def _forming(bar: FormingSituation, now: datetime) -> str:
    name, end = wording.bar_name(bar.timeframe, bar.timestamp, now), wording.clock(bar.ends_at, now)
    return f"Its {name} is forming: it can be accepted when its period is over, at {end}."


def _slow_lane(slow: SlowLane, now: datetime) -> str:
    why = "" if slow.moved is None else f"{since_phrase(slow.moved.at, now)}: {_lane_reason(slow.moved.reason)}"
    back = f"It returns to the main lane after {wording.in_a_row(slow.quick_bars_needed, 'quick bar')}"
    return f"It is in the slow lane{why}. {back}; so far {slow.quick_bars}."


def _lane_reason(reason: str) -> str:
    return wording.one_line(reason.removeprefix("to the slow lane: ")).rstrip(".")


def problems_of(situation: Situation) -> Iterator[tuple[str, str]]:
    """Problems that do not stop the symbol's bars, as (what, why)."""
    for alert in situation.alerts:
        yield (
            alert.message,
            f"Alert {alert.rule}{since_phrase(alert.fired_at, situation.now)}: see {runbook_page(alert.rule)}.",
        )
    if situation.is_stale:
        age = "" if situation.data_age_s is None else f", the newest ended {wording.span(situation.data_age_s)} ago"
        late = wording.span(situation.stale_for_s)
        yield (
            f"Stale: no fresh bar{age}.",
            f"Its feed is late by {late} of trading time; late bars are still processed.",
        )
