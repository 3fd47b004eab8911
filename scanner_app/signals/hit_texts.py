"""What a message about hits says: values in, text out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scanner_app.domain.wording import bar_name, counted

NAMED = 50
"""Hits that a digest's text names; a webhook's data has all of them."""

LARGE = 1_000_000
"""From here on a number is shown without decimals; below with six digits."""

IN_A_LINE = 3
"""Values that stand beside a hit in a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldHit:
    """A hit as a message tells it."""

    id: int
    rule: int
    rule_name: str
    symbol: str  # ticker
    timeframe: str
    timestamp: datetime  # the bar's
    bar: int  # its id
    values: Mapping[str, Any]  # of the words in the rule's condition
    created_at: datetime


def subject(hit: ToldHit) -> str:
    """One line: the rule, the symbol, the timeframe."""
    return f"{hit.rule_name}: {hit.symbol} {hit.timeframe}"


def body(hit: ToldHit, *, expression: str, others: int, watched: int) -> str:
    """The condition with its values. `others`: symbols that hit the rule with a bar of the same time, this one too."""
    lines = [f"{hit.symbol} hit the rule {hit.rule_name!r} with its {bar_name(hit.timeframe, hit.timestamp)}."]
    if expression:
        lines += ["", expression]
    lines += [f"{word}: {number(value)}" for word, value in hit.values.items()]
    if others > 1:
        of_all = counted(max(watched, others), "symbol")  # the rule may have got another watch list meanwhile
        lines += ["", f"So far {others:,} of your {of_all} hit it with a bar of this time."]
    return "\n".join(lines)


def digest_subject(rule_name: str, hits: Sequence[ToldHit], watched: int) -> str:
    """One line: how many."""
    symbols = len({hit.symbol for hit in hits})
    return f"{rule_name}: {symbols:,} of your {counted(max(watched, symbols), 'symbol')}"


def digest_body(rule_name: str, hits: Sequence[ToldHit], watched: int) -> str:
    """A line for each hit."""
    symbols = len({hit.symbol for hit in hits})
    of_all = f"{symbols:,} of your {counted(max(watched, symbols), 'symbol')}"
    lines = [f"{of_all} hit the rule {rule_name!r}, too many to be told one by one:", ""]
    lines += [_line(hit) for hit in hits[:NAMED]]
    if len(hits) > NAMED:
        lines.append(f"and {counted(len(hits) - NAMED, 'more hit')}")
    return "\n".join(lines)


def _line(hit: ToldHit) -> str:
    values = ", ".join(f"{word} {number(value)}" for word, value in list(hit.values.items())[:IN_A_LINE])
    return f"{hit.symbol}, {bar_name(hit.timeframe, hit.timestamp)}" + (f": {values}" if values else "")


def number(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "not known"}[value]
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,.6g}" if abs(value) < LARGE else f"{value:,.0f}"


def data(hit: ToldHit) -> dict[str, Any]:
    """The hit as a webhook's data has it; the names are the API's."""
    return {
        "id": hit.id,
        "rule": hit.rule,
        "rule_name": hit.rule_name,
        "symbol": hit.symbol,
        "timeframe": hit.timeframe,
        "timestamp": hit.timestamp,
        "bar": hit.bar,
        "values": hit.values,
        "created_at": hit.created_at,
    }
