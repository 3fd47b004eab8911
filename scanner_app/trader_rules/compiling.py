"""From a tree to what can be asked about a bar: numbers, and conditions that hold, do not hold, or are not known.

Of a number that is not known (too few bars, no volume, a division by zero) a comparison is not known either. `and` is
false if one part is false, whatever the others are, and `or` true if one is true; else what is not known stays so.
"""

import ast
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, partial, reduce
from typing import TYPE_CHECKING, Any, Final

from scanner_app.trader_rules import syntax
from scanner_app.trader_rules.calls import Call, word_of, wrong
from scanner_app.trader_rules.errors import ExpressionError
from scanner_app.trader_rules.frames import Floats, Frame
from scanner_app.trader_rules.later import Later
from scanner_app.trader_rules.meanings import MEANINGS
from scanner_app.trader_rules.values import (
    MAX_BARS,
    Condition,
    Expression,
    Needs,
    Number,
    divided,
    divided_series,
    named,
)
from scanner_app.trader_rules.words import Gives, Word

if TYPE_CHECKING:
    import numpy as np
else:
    np = Later("numpy")


@lru_cache(maxsize=4_096)
def compiled(text: str) -> Expression:
    """The expression of a text. Raises ExpressionError, which names the place of what is wrong."""
    try:
        condition = _condition(syntax.parse(text), inside_on=False)
    except RecursionError:
        raise ExpressionError("this is nested too deeply", 0) from None
    needed = max(condition.needs.bars, *(bars for _, bars in condition.needs.others), 1)
    if needed > MAX_BARS:
        raise ExpressionError(f"this needs {needed:,} bars; a rule has at most {MAX_BARS:,}", 0)
    return Expression(text, condition)


def _call(node: ast.expr, word: Word, arguments: list[ast.expr], inside_on: bool) -> Call:
    return Call(
        node=node,
        word=word,
        arguments=arguments,
        inside_on=inside_on,
        number=partial(_number, inside_on=inside_on),
        on=_on_other,
    )


def _on_other(node: ast.expr) -> Number | Condition:
    """What is asked of another timeframe."""
    return _condition(node, inside_on=True) if _gives_condition(node) else _number(node, inside_on=True)


# Conditions ---------------------------------------------------------------------------------------------------------


def _condition(node: ast.expr, inside_on: bool) -> Condition:
    match node:
        case ast.BoolOp(op=op, values=values):
            return _logic(
                [_condition(value, inside_on) for value in values], "and" if isinstance(op, ast.And) else "or"
            )
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _negated(_condition(operand, inside_on))
        case ast.Compare():
            return _comparison(node, inside_on)
        case ast.Name() | ast.Call():
            word, arguments = word_of(node)
            if _gives_condition(node):
                condition: Condition = MEANINGS[word.name](_call(node, word, arguments, inside_on))
                return condition
    what = _source(node)
    raise wrong(f"{what} is a number; compare it, such as {what} > 0, to make a condition of it", node)


def _gives_condition(node: ast.expr) -> bool:
    if isinstance(node, (ast.Name, ast.Call)):
        word, arguments = word_of(node)
        if word.gives is Gives.EITHER:
            return _gives_condition(arguments[-1])
        return word.gives is Gives.CONDITION
    return isinstance(node, (ast.BoolOp, ast.Compare)) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _logic(parts: list[Condition], how: str) -> Condition:
    decisive = how == "or"
    asked = tuple(part.holds for part in parts)

    def holds(frame: Frame) -> bool | None:
        result: bool | None = not decisive
        for ask in asked:
            held = ask(frame)
            if held is decisive:
                return decisive
            if held is None:
                result = None
        return result

    text = f" {how} ".join(f"({part.text})" if " or " in part.text and how == "and" else part.text for part in parts)
    return Condition(text, _all_needs(parts), holds, tuple(parts))


def _negated(part: Condition) -> Condition:
    ask = part.holds

    def holds(frame: Frame) -> bool | None:
        held = ask(frame)
        return None if held is None else not held

    return Condition(f"not ({part.text})", part.needs, holds, (part,))


_COMPARE: Final[dict[type[ast.cmpop], tuple[str, Callable[[float, float], bool]]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}


def _comparison(node: ast.Compare, inside_on: bool) -> Condition:
    """Of 30 < rsi(14) < 70 both parts must hold."""
    numbers = [_number(one, inside_on) for one in (node.left, *node.comparators)]
    pairs = [_compared(left, op, right) for left, op, right in zip(numbers, node.ops, numbers[1:], strict=False)]
    return pairs[0] if len(pairs) == 1 else _logic(pairs, "and")


def _compared(left: Number, op: ast.cmpop, right: Number) -> Condition:
    sign, compare = _COMPARE[type(op)]
    first, second = left.now, right.now

    def holds(frame: Frame) -> bool | None:
        a, b = first(frame), second(frame)
        if a != a or b != b:
            return None
        return compare(a, b)

    return Condition(f"{left.text} {sign} {right.text}", left.needs | right.needs, holds, numbers=named(left, right))


# Numbers ------------------------------------------------------------------------------------------------------------


def _number(node: ast.expr, inside_on: bool) -> Number:
    match node:
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _constant(float(value))
        case ast.Constant():
            raise wrong("a text is no number", node)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _negative(_number(operand, inside_on))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(operand, inside_on)
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(_number(left, inside_on), op, _number(right, inside_on))
        case ast.Name() | ast.Call():
            word, arguments = word_of(node)
            if not _gives_condition(node):
                number: Number = MEANINGS[word.name](_call(node, word, arguments, inside_on))
                return number
    raise wrong(f"{_source(node)} is a condition, but here a number is wanted", node)


def _constant(value: float) -> Number:
    return Number(f"{value:.15g}", Needs(), lambda _frame: value, lambda _frame, count: np.full(count, value))


def _negative(part: Number) -> Number:
    now, past = part.now, part.series
    text = f"-{part.text}" if " " not in part.text else f"-({part.text})"
    series = None if past is None else (lambda frame, count: -past(frame, count))
    return Number(text, part.needs, lambda frame: -now(frame), series, part.named)


_ARITHMETIC: Final[dict[type[ast.operator], tuple[str, int, Callable[..., Any], Callable[..., Any]]]] = {
    ast.Add: ("+", 1, operator.add, operator.add),
    ast.Sub: ("-", 1, operator.sub, operator.sub),
    ast.Mult: ("*", 2, operator.mul, operator.mul),
    ast.Div: ("/", 2, divided, divided_series),
}
"""Sign, rank, and function of two numbers and of two series."""


def _arithmetic(left: Number, op: ast.operator, right: Number) -> Number:
    sign, rank, of_two, of_series = _ARITHMETIC[type(op)]
    first, second, past, other_past = left.now, right.now, left.series, right.series
    series = None
    if past is not None and other_past is not None:

        def series(frame: Frame, count: int) -> Floats:
            with np.errstate(all="ignore"):
                found: Floats = of_series(past(frame, count), other_past(frame, count))
            return found

    text = f"{_bracketed(left.text, rank)} {sign} {_bracketed(right.text, rank + (sign in '-/'))}"
    return Number(
        text,
        left.needs | right.needs,
        lambda frame: of_two(first(frame), second(frame)),
        series,
        named(left, right),
    )


def _bracketed(text: str, rank: int) -> str:
    """In brackets if it has an operator of a lower rank that is in none."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and text[place - 1 : place + 2] in {" + ", " - "} and rank > 1:
            return f"({text})"
        if depth == 0 and text[place - 1 : place + 2] in {" * ", " / "} and rank > 2:
            return f"({text})"
    return text


def _all_needs(parts: Sequence[Condition]) -> Needs:
    return reduce(operator.or_, (part.needs for part in parts))


def _source(node: ast.expr) -> str:
    """A short text of a tree, for messages."""
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:39]}…"
