"""What an explanation consists of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scanner_app.domain.explanation.actions import Action, you_can


class Code(StrEnum):
    """The state that is explained, as a code for programs; about in the order in which explain.py checks."""

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
    LOST = "lost"  # its message is nowhere
    EMPTY = "empty"  # never had a bar
    IDLE = "idle"


IN_TROUBLE = frozenset({"reset", "skip", "disable"})
"""Actions that the text names while the head fails or its breaker is not closed."""

ADVISED_ACTIONS: dict[Code, frozenset[str]] = {
    Code.DISABLED: frozenset({"enable"}),
    **dict.fromkeys((Code.CONTROL, Code.HOLD, Code.OPEN, Code.PROBE, Code.RETRY), IN_TROUBLE),
}
ADVISED_ACTIONS |= {code: frozenset() for code in Code if code not in ADVISED_ACTIONS}
"""The actions that the text names. Other actions are possible too, but the text does not advise them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a symbol is in its state: as sentences and as values."""

    code: Code
    summary: str
    cause: str
    next: str
    notes: tuple[str, ...]  # further facts, each one or more sentences
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
        """What an operator can do, if the state calls for it; else empty."""
        return you_can([one.name for one in self.actions if one.name in ADVISED_ACTIONS[self.code]])
