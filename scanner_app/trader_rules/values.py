"""Numbers and conditions of a bar as values: what they need, how they are asked, what they are made of."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.trader_rules.frames import Floats, Frame
from scanner_app.trader_rules.later import Later

if TYPE_CHECKING:
    import numpy as np
else:
    np = Later("numpy")

MAX_BARS: Final = 2_000
"""Most bars of one timeframe that a rule may need: they are loaded for every bar that it looks at."""

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be there for a value."""

    bars: int = 1  # of the bar's own series, itself included
    session: bool = False  # the session's opening
    session_bars: bool = False  # and its bars
    signals: bool = False
    others: tuple[tuple[str, int], ...] = ()  # (timeframe, bars) of other series

    def __or__(self, other: "Needs") -> "Needs":
        most: dict[str, int] = {}
        for timeframe, bars in (*self.others, *other.others):
            most[timeframe] = max(bars, most.get(timeframe, 0))
        return Needs(
            max(self.bars, other.bars),
            self.session or other.session,
            self.session_bars or other.session_bars,
            self.signals or other.signals,
            tuple(sorted(most.items())),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A number of a bar; NaN where it is not known."""

    text: str
    needs: Needs
    now: Callable[[Frame], float]
    series: Callable[[Frame, int], Floats] | None  # the last so many, oldest first; None: it has no past
    named: tuple["Number", ...] = ()  # the words in it, for explanations


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A condition on a bar."""

    text: str
    needs: Needs
    holds: Callable[[Frame], bool | None]  # None: not known
    parts: tuple["Condition", ...] = ()  # without and, or, not; empty: it is one itself
    numbers: tuple[Number, ...] = ()  # that it compares

    @property
    def leaves(self) -> tuple["Condition", ...]:
        """Its parts that have no parts."""
        return tuple(leaf for part in self.parts for leaf in part.leaves) if self.parts else (self,)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A trader's condition, ready to be asked about bars."""

    text: str
    condition: Condition

    @property
    def needs(self) -> Needs:
        """What must be there to ask it."""
        return self.condition.needs

    def bars_needed(self, timeframe: str) -> int:
        """How many bars of this timeframe its window has, the bar itself included."""
        return max(self.needs.bars, session_bars(timeframe) if self.needs.session_bars else 1)

    def holds(self, frame: Frame) -> bool | None:
        """Whether it holds for the frame's bar; None: not known."""
        return self.condition.holds(frame)


def session_bars(timeframe: str) -> int:
    """Bars of the longest session, one more so that its beginning is seen, at most MAX_BARS."""
    return min(int(DAY_S // TIMEFRAMES[timeframe].total_seconds()) + 1, MAX_BARS)


def remembering(text: str, needs: Needs, past: Callable[[Frame, int], Floats]) -> Number:
    """A number that is computed once for each bar, whichever and however many rules ask for it."""

    def series(frame: Frame, count: int) -> Floats:
        key = (text, count)
        found = frame.series.get(key)
        if found is None:
            found = frame.series[key] = past(frame, count)
        return found

    return with_name(text, needs, lambda frame: float(past(frame, 1)[-1]), series)


def with_name(
    text: str, needs: Needs, ask: Callable[[Frame], float], series: Callable[[Frame, int], Floats] | None = None
) -> Number:
    """A number that is shown by this name in explanations, and asked once for each bar."""

    def now(frame: Frame) -> float:
        value = frame.values.get(text)
        if value is None:
            value = frame.values[text] = ask(frame)
        return value

    bare = Number(text, needs, now, series)
    return Number(text, needs, now, series, (bare,))


def named(*numbers: Number) -> tuple[Number, ...]:
    """The words in these numbers, each once."""
    return tuple({one.text: one for number in numbers for one in number.named}.values())


def divided(a: float, b: float) -> float:
    """Not known for a division by zero."""
    return a / b if b else math.nan


def divided_series(a: Floats, b: Floats) -> Floats:
    """The same for each pair."""
    with np.errstate(all="ignore"):
        return np.where(b == 0, math.nan, a / b)
