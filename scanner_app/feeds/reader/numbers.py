"""Eighth stage: numbers. How a file writes them is found from all cells of its columns of prices and volumes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from scanner_app.feeds.reader.errors import Unsettled
from scanner_app.feeds.reader.shapes import LONGEST, Shapes

NOTHING: Final = frozenset(
    {"", "-", "--", "---", ".", "null", "nan", "n/a", "na", "#n/a", "none", "nil", "nat", "<na>", "\u2014", "\u2013"}
)
"""What vendors write where there is no value, in small letters."""

CURRENCIES: Final = "$€£¥₹₩₽₺₿"

_FACTORS: Final = {"K": 3, "M": 6, "B": 9, "T": 12}
_BLANKS: Final = " \u00a0\u202f\u2009'\u2019"
_CODE = re.compile(
    r"^(?:USD|EUR|GBP|JPY|INR|CHF|Rs\.?|R(?=\$)|kr|(?:US|A|C|HK)(?=\$))\s*|\s*(?:USD|EUR|GBP|JPY|INR|CHF|kr|zł)$"
)
_LOOKS = re.compile(
    rf"[-+\u2212(]?\s*(?:USD|EUR|GBP|JPY|INR|CHF|Rs\.?|R|kr|US|A|C|HK)?[{CURRENCIES}]?\s*[-+]?(?:\d[\d.,{_BLANKS}]*|[.,]\d+)(?:[eE][-+]?\d+)?\s*[KMBTkmbt%]?[{CURRENCIES}]?\)?"
)


def is_nothing(cell: object) -> bool:
    """Whether a cell says that there is no value."""
    if cell is None:
        return True
    if isinstance(cell, str):
        return cell.strip().lower() in NOTHING
    return isinstance(cell, (float, Decimal)) and cell != cell


def without_price(cells: Iterable[object]) -> bool:
    """Whether a row's four prices are none: all empty, or one remark in place of them (`0.24 Dividend`)."""
    filled = [cell for cell in cells if not is_nothing(cell)]
    return not filled or (len(filled) == 1 and isinstance(filled[0], str) and not looks_like_number(filled[0]))


def looks_like_number(text: str) -> bool:
    """Whether a text is a number in one of the ways that files write them."""
    return len(text) <= LONGEST and _LOOKS.fullmatch(text.strip()) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberForm:
    """How a file writes numbers. `why` says what decided on the sign, "" where nothing had to.

    `plain` means that Python's own float() reads every cell.
    """

    decimal: str = "."
    plain: bool = True
    why: str = ""


def find_form(columns: Iterable[Shapes], given: str | None) -> NumberForm:
    """Find how numbers are written. Raises Unsettled if the cells contradict each other or leave it open."""
    plain = True
    points: list[tuple[int, str]] = []
    commas: list[tuple[int, str]] = []
    open_: list[tuple[int, str]] = []
    for column in columns:
        for line, example in column.examples():
            text = _bare(example)
            plain = plain and _is_plain(example)
            if verdict := decimal_sign(text):
                (points if verdict == "." else commas).append((line, example.strip()))
            elif "," in text:
                open_.append((line, example.strip()))
    if given is not None:
        return NumberForm(decimal=given, plain=plain and given == ".")
    if points and commas:
        raise Unsettled(
            f"line {min(points)[0]} has {min(points)[1]}, line {min(commas)[0]} has {min(commas)[1]}: "
            "is the decimal sign a point or a comma? Say --decimal . or --decimal ,"
        )
    if commas:
        line, cell = min(commas)
        return NumberForm(decimal=",", plain=False, why=f"decimal commas, because line {line} has {cell}")
    if open_ and not points and not any(column.has(".") for column in columns):
        line, cell = min(open_)
        raise Unsettled(
            f"line {line} has {cell}: thousands, or a decimal comma? Say --decimal . or --decimal , to decide"
        )
    why = ""
    if open_ and points:
        why = f"commas read as thousands separators, because line {min(points)[0]} has {min(points)[1]}"
    return NumberForm(plain=plain, why=why)


def _bare(text: str) -> str:
    """Return a number's digits and signs without currency, blanks, sign, unit and percent."""
    text = _CODE.sub("", text.strip()).strip(f"{CURRENCIES}+-\u2212()% {_BLANKS}").rstrip("KMBTkmbt")
    return text.translate({ord(blank): None for blank in _BLANKS})


def _is_plain(text: str) -> bool:
    if is_nothing(text):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def decimal_sign(text: str) -> str | None:
    """Return the sign that must be the decimal one in a number, None where either could be (`3,412`, `1.234`)."""
    points, commas = text.count("."), text.count(",")
    if points and commas:
        return max(".,", key=text.rfind)
    if points + commas == 0:
        return None
    sign, other = (".", ",") if points else (",", ".")
    before, _, after = text.partition(sign)
    if points + commas > 1:
        return other
    if len(after) == 3 and 1 <= len(before) <= 3 and not before.startswith("0"):
        return None
    return sign


def reader(form: NumberForm) -> Callable[[object], object]:
    """Return how a cell becomes a float; None for no value, the cell itself for what is no number."""
    return _plain if form.plain else _written(form.decimal)


def _plain(cell: object) -> object:
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None if is_nothing(cell) else cell
    if value != value:
        return None
    # float() also takes 1_000 and True, which no file of prices means.
    return cell if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell) else value


def _written(decimal: str) -> Callable[[object], object]:
    drop: dict[int, str | None] = {
        ord(sign): None for sign in f"{_BLANKS}{CURRENCIES}" + ("," if decimal == "." else ".")
    }
    table = drop | {ord(","): "."} if decimal == "," else drop
    table[ord("\u2212")] = "-"

    def read(cell: object) -> object:
        if not isinstance(cell, str):
            return _plain(cell)
        if len(cell) > LONGEST:
            return cell
        if is_nothing(cell):
            return None
        text = _CODE.sub("", cell.strip()).translate(table)
        if text.startswith("(") and text.endswith(")"):
            text = f"-{text[1:-1]}"
        factor = _FACTORS.get(text[-1:].upper())
        try:
            if factor is not None:
                return float(Decimal(text[:-1]).scaleb(factor))
            return cell if "_" in text else float(text)
        except (ValueError, InvalidOperation):
            return cell

    return read
