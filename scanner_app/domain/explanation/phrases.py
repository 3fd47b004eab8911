"""Parts of sentences, each without its full stop."""

from datetime import datetime

from scanner_app.domain import wording
from scanner_app.domain.explanation.situation import HeadSituation, LoggedEvent, Situation


def joined(*parts: str) -> str:
    """The parts that are not empty, as one sentence."""
    return ", ".join(part for part in parts if part)


def since_phrase(moment: datetime | None, now: datetime) -> str:
    """Since when; empty if that is not known."""
    return "" if moment is None else f" since {wording.clock(moment, now)}"


def time_until(moment: datetime, situation: Situation) -> str:
    """The time until a moment."""
    return wording.span((moment - situation.now).total_seconds())


def recovery_phrase(situation: Situation) -> str:
    """How long an open breaker lets nothing run."""
    return wording.span(situation.rules.recovery.total_seconds())


def bar_phrase(situation: Situation, head: HeadSituation) -> str:
    """The name of the head's bar."""
    kind = "replayed " if head.replayed else "late " if head.late else ""
    return kind + wording.bar_name(head.timeframe, head.timestamp, situation.now)


def who_phrase(act: LoggedEvent | None, what: str) -> str:
    """Who did something, and why."""
    if act is None:
        return f"It is not recorded who {what} the symbol."
    reason = wording.one_line(act.reason)
    return (
        f"{act.actor} {what} the symbol: {reason.rstrip('.')}."
        if reason
        else f"{act.actor} {what} the symbol and gave no reason."
    )


def error_phrase(situation: Situation, head: HeadSituation | None) -> str:
    """What the last failed attempt said."""
    if head is not None and head.error is not None:
        text = wording.error_line(head.error.type, head.error.message)
    elif situation.last_error:
        text = f"The last error was {wording.one_line(situation.last_error)}"
    else:
        return "What failed is not recorded."
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def waiting_phrase(situation: Situation, count: int, *, where: str = "", once: str = "") -> str:
    """How many bars wait, and how long they will take."""
    if count < 1:
        return ""
    if situation.pace_s is None:
        estimate = f"how long it takes to catch up{once} is unknown"
    else:
        estimate = f"{wording.roughly(count * situation.pace_s)} to catch up{once}"
    return f"{wording.counted(count, 'bar')} {'waits' if count == 1 else 'wait'}{where} ({estimate})"
