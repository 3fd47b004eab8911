"""From a text to its tree, with nothing in it but what a rule may have.

The text is looked at token by token first, so that Python's parser, whose grammar the language shares, only sees names,
numbers, texts, brackets, commas and the operators below. Nothing is evaluated here. What can be a text or written out
(`sma('close', 50)`, `sma(close, 50)`) is the same tree afterwards: a text is parsed where it stands, so an error in it
has its place in the whole.
"""

import ast
import keyword
import re
from typing import Final

from scanner_app.trader_rules.errors import ExpressionError

MAX_LENGTH: Final = 2_000
"""Characters of an expression: a screen full of it."""

MAX_NESTING: Final = 20
"""Brackets inside of each other, or signs before a value."""

MAX_PARTS: Final = 300
"""Names, numbers and operators of an expression."""

MAX_DIGITS: Final = 30
"""Characters of a number: more than a float can tell apart."""

TEXTS: Final = {("pattern", 0), ("on", 0)}
"""Word and place of the arguments that are texts; in all other places a text is an expression."""

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<text>'[^'\r\n]*'|"[^"\r\n]*")
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?(?![\w.]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator><=|>=|==|!=|[-+*/<>(),])""",
    re.VERBOSE,
)

_ALLOWED: Final = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div,
    ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq,
    ast.Call, ast.Name, ast.Load, ast.Constant,
)  # fmt: skip

_LOGIC: Final = {"and", "or", "not"}

_SIGNS: Final = {"not", "-", "+"}

_HINTS: Final = {
    "=": "compare with ==",
    "&": "write and",
    "|": "write or",
    "!": "write not, or !=",
    "[": "write previous('close', 1) for an earlier bar",
    "#": "comments belong in the rule's name",
}


def parse(text: str) -> ast.expr:
    """The tree of an expression. Raises ExpressionError, which names the place."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH:,} characters, not {len(text):,}", MAX_LENGTH)
    tree = _parsed(text, 0)
    _check_size(tree)
    return tree


def _parsed(text: str, offset: int) -> ast.expr:
    """The tree of a text that begins `offset` characters into the expression."""
    _check_tokens(text, offset)
    stripped = text.lstrip()
    if not stripped:
        raise ExpressionError("there is nothing here", offset)
    offset += len(text) - len(stripped)
    # A line break means nothing in an expression, but ends one in Python.
    line = re.sub(r"[\t\r\n]", " ", stripped)
    try:
        tree = ast.parse(line, mode="eval").body
    except SyntaxError as exc:
        end = len(line.rstrip())
        place = end if exc.lineno != 1 or not exc.offset else min(exc.offset - 1, end)
        problem = "something is missing" if place == end else _said(exc)
        raise ExpressionError(problem, offset + place) from None
    except (RecursionError, MemoryError, ValueError):
        raise ExpressionError("this is nested too deeply", offset) from None
    _check_nodes(tree, line, offset)
    return tree


def _said(error: SyntaxError) -> str:
    message = str(error.msg).split(".")[0].split(" Perhaps ")[0]
    return "this can't be read" if message == "invalid syntax" else f"this can't be read ({message})"


def _check_tokens(text: str, offset: int) -> None:
    place = depth = count = signs = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            char = text[place]
            number = char.isdigit() or (char == "." and text[place + 1 : place + 2].isdigit())
            problem = "this is no number" if number else f"{char!r} has no meaning here"
            if char in "\"'":
                problem = "this text does not end"
            hint = f"; {_HINTS[char]}" if char in _HINTS else ""
            raise ExpressionError(problem + hint, offset + place)
        kind, piece = found.lastgroup, found[0]
        if kind == "number" and len(piece) > MAX_DIGITS:
            raise ExpressionError(f"a number has at most {MAX_DIGITS} characters", offset + place)
        if kind == "name" and piece not in _LOGIC and keyword.iskeyword(piece):
            raise ExpressionError(f"{piece!r} is no word of rules", offset + place)
        if kind == "text" and "\\" in piece:
            raise ExpressionError("a text has no backslash", offset + place + piece.index("\\"))
        if kind == "text" and not piece.isprintable():
            raise ExpressionError("a text has printable characters alone", offset + place)
        count += kind != "space"
        signs = signs + 1 if piece in _SIGNS else signs if kind == "space" else 0
        depth += (piece == "(") - (piece == ")")
        if max(depth, signs) > MAX_NESTING or count > MAX_PARTS * 2:
            _too_big(offset + place)
        place = found.end()


def _check_nodes(tree: ast.expr, line: str, offset: int) -> None:
    """Refuse what Python has and rules have not; parse texts that are expressions; make places those of the whole."""
    pending: list[tuple[ast.AST, int]] = [(tree, offset)]
    while pending:
        node, place = pending.pop()
        # Python counts in bytes of UTF-8; only texts have other characters, but there may be some before this node.
        if isinstance(node, ast.expr):
            place = node.col_offset = offset + _characters(line, node.col_offset)
        if not isinstance(node, _ALLOWED):
            what = "** has" if isinstance(node, ast.Pow) else "this has"
            raise ExpressionError(f"{what} no meaning in a rule", place)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            start = place - offset
            if line[start : start + len(node.value) + 2] != f"{line[start]}{node.value}{line[start]}":
                raise ExpressionError("write one text, not several", place)
        if isinstance(node, ast.Call):
            pending.extend((argument, place) for argument in _arguments(node, line, offset))
            pending.append((node.func, place))
        else:
            pending.extend((child, place) for child in ast.iter_child_nodes(node))


def _arguments(call: ast.Call, line: str, offset: int) -> list[ast.AST]:
    """Put the trees of texts in their place; returns the other arguments, which are still to be looked at."""
    if not isinstance(call.func, ast.Name) or call.keywords:
        raise ExpressionError("a word is called by its name, with arguments that have no names", call.col_offset)
    others: list[ast.AST] = []
    for index, argument in enumerate(call.args):
        text = argument.value if isinstance(argument, ast.Constant) else None
        if isinstance(text, str) and (call.func.id, index) not in TEXTS:
            start = _characters(line, argument.col_offset)
            if line[start + 1 : start + 1 + len(text)] != text:
                raise ExpressionError("write one text, not several", offset + start)
            call.args[index] = _parsed(text, offset + start + 1)
        else:
            others.append(argument)
    return others


def _characters(line: str, count: int) -> int:
    """How many characters these bytes of UTF-8 are."""
    return len(line.encode()[:count].decode(errors="ignore"))


def _check_size(tree: ast.expr) -> None:
    count, pending = 0, [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        count += 1
        if depth > MAX_NESTING or count > MAX_PARTS:
            _too_big(node.col_offset)
        pending.extend((child, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))


def _too_big(place: int) -> None:
    limits = f"at most {MAX_PARTS} parts and {MAX_NESTING} levels of nesting"
    raise ExpressionError(f"from here on it is too large: an expression has {limits}", place)
