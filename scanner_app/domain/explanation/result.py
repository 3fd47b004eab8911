"""What an explanation consists of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scanner_app.domain.explanation.actions import Action, you_can


class Code(StrEnum):
    """What is explained, for programs; the order is that in which they are looked for."""

    DELETED = "deleted"
    DISABLED = "disabled"
    CONTROL = "control"  # retries used up, the control run is out
    HOLD = "hold"  # the fault is not the bar's
    OPEN = "open"  # the breaker lets nothing run
    PROBE = "probe"  # half-open: one bar may run
    RETRY = "retry"  # the head has failed, and is tried again
    RUNNING = "running"
    CATCHING_UP = "catching_up"  # running, with bars of a pause behind it
    DUE = "due"  # no worker has it yet
    LOST = "lost"  # it is nowhere
    EMPTY = "empty"  # never had a bar
    IDLE = "idle"


IN_TROUBLE = frozenset({"reset", "skip", "disable"})

ADVISED_ACTIONS: dict[Code, frozenset[str]] = {
    Code.DISABLED: frozenset({"enable"}),
    **dict.fromkeys((Code.CONTROL, Code.HOLD, Code.OPEN, Code.PROBE, Code.RETRY), IN_TROUBLE),
}
ADVISED_ACTIONS |= {code: frozenset() for code in Code if code not in ADVISED_ACTIONS}
"""The acts that the text names; others make sense too, but need no advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a symbol is as it is, for people; and the same as values."""

    code: Code
    summary: str
    cause: str
    next: str
    notes: tuple[str, ...]  # what else is to be known, each a sentence
    actions: tuple[Action, ...]
    since: datetime | None
    next_attempt_at: datetime | None
    waiting: int  # bars
    catch_up_s: float | None  # None: unknown, or nothing waits

    @property
    def text(self) -> str:
        """All of it in one paragraph."""
        return " ".join(part for part in (self.summary, self.cause, self.next, *self.notes, self.advice) if part)

    @property
    def advice(self) -> str:
        """What can be done, where something should be; else empty."""
        return you_can([one.name for one in self.actions if one.name in ADVISED_ACTIONS[self.code]])
