"""A word where it stands in an expression, with its arguments."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from scanner_app.trader_rules.errors import ExpressionError
from scanner_app.trader_rules.values import Condition, Number
from scanner_app.trader_rules.words import MAX_COUNT, WORDS, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A word with its arguments, those that were left out included. `number` and `on` compile an argument."""

    node: ast.expr
    word: Word
    arguments: list[ast.expr]
    inside_on: bool
    number: Callable[[ast.expr], Number]
    on: Callable[[ast.expr], Number | Condition]

    def series(self, index: int) -> Number:
        """An argument that has a past."""
        found = self.number(self.arguments[index])
        if found.series is None:
            raise wrong(f"{found.text} has no past, which {self.word.name} looks at", self.arguments[index])
        return found

    def count(self, index: int, least: int = 2) -> int:
        """An argument that is a whole number."""
        node = self.arguments[index]
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_COUNT:
            name = self.word.arguments[index].name
            raise wrong(f"{name} of {self.word.name} must be a whole number from {least} to {MAX_COUNT}", node)
        return value

    def width(self, index: int) -> float:
        """An argument that is a number, written out."""
        node = self.arguments[index]
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MAX_COUNT:
            raise wrong(
                f"{self.word.arguments[index].name} of {self.word.name} must be a number above 0, such as 2", node
            )
        return float(value)

    def text(self, index: int) -> str | None:
        """An argument that is a text; None if it is something else."""
        node = self.arguments[index]
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None

    def of_the_bar(self) -> None:
        """Refuse the word inside of `on`."""
        if self.inside_on:
            raise wrong(f"{self.word.name} is of the bar itself and can't be used inside of on", self.node)


def word_of(node: ast.Name | ast.Call) -> tuple[Word, list[ast.expr]]:
    """The word, and its arguments with those that were left out."""
    name_node = node.func if isinstance(node, ast.Call) else node
    assert isinstance(name_node, ast.Name)  # noqa: S101 - syntax.py lets nothing else be called
    word = WORDS.get(name_node.id)
    if word is None:
        near = get_close_matches(name_node.id.lower(), WORDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise wrong(f"{name_node.id} is no word of rules{hint}", name_node)
    given = node.args if isinstance(node, ast.Call) else []
    least = sum(one.default is None for one in word.arguments)
    if not least <= len(given) <= len(word.arguments) or (isinstance(node, ast.Call) and not word.arguments):
        raise wrong(_wrong_count(word, len(given)), node)
    return word, [*given, *(_default(one.default, node) for one in word.arguments[len(given) :])]


def _default(value: str | float | None, node: ast.expr) -> ast.expr:
    return ast.Constant(value, col_offset=node.col_offset)


def _wrong_count(word: Word, given: int) -> str:
    if not word.arguments:
        return f"{word.name} stands alone, without brackets"
    names = ", ".join(one.name for one in word.arguments)
    return f"{word.name} takes ({names}), such as in {word.example}; {given} given"


def wrong(problem: str, node: ast.expr) -> ExpressionError:
    """The error about this part of an expression."""
    return ExpressionError(problem, node.col_offset)
