"""Each part of a condition with its value and whether it held, for people who ask why."""

import math
from dataclasses import dataclass

from scanner_app.trader_rules.frames import Frame
from scanner_app.trader_rules.values import Condition, Expression

DIGITS = 10
"""Significant digits of a value that is shown: what TA-Lib's running sums leave of it beyond that is noise."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a condition, without and, or, not."""

    text: str
    held: bool | None  # None: not known
    values: dict[str, float | None]  # of the words in it; None: not known


def explain(expression: Expression, frame: Frame) -> list[Part]:
    """The parts of the condition, in its order, as they are on the frame's bar."""
    return [Part(leaf.text, leaf.holds(frame), _values(leaf, frame)) for leaf in expression.condition.leaves]


def values_of(expression: Expression, frame: Frame) -> dict[str, float | None]:
    """The values of all words that the condition compares; None: not known."""
    found: dict[str, float | None] = {}
    for leaf in expression.condition.leaves:
        found |= _values(leaf, frame)
    return found


def _values(leaf: Condition, frame: Frame) -> dict[str, float | None]:
    return {number.text: _shown(number.now(frame)) for number in leaf.numbers}


def _shown(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
