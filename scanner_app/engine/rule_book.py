"""Which rules look at which bars. Each worker process keeps them in memory and reads them again every two seconds.

So a changed rule, or a changed watch list, is seen within some seconds, and a bar costs no query for it.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import structlog

from scanner_app.domain import tickers
from scanner_app.models import Rule, Symbol, WatchList
from scanner_app.trader_rules import Expression, ExpressionError, compiled
from scanner_app.trader_rules.values import Needs

log = structlog.get_logger(__name__)

REFRESH_S = 2.0
"""From one reading of the rules to the next (s)."""

MAX_SERIES = 100_000
"""Series of which it is remembered which rules look at them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInUse:
    """A rule as a run needs it."""

    id: int
    revision: int
    expression: Expression
    timeframes: frozenset[str]
    watches: Callable[[str], bool]  # a ticker
    cooldown_s: int
    tell_within_s: int | None
    tell_late: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rules that look at one series, and what they need together."""

    rules: tuple[RuleInUse, ...] = ()
    bars: int = 1
    needs: Needs = field(default_factory=Needs)


NONE = Chosen()


class Book:
    """All rules that are enabled."""

    def __init__(self, rules: Iterable[RuleInUse] = ()) -> None:
        self._by_timeframe: dict[str, list[RuleInUse]] = {}
        for rule in rules:
            for timeframe in rule.timeframes:
                self._by_timeframe.setdefault(timeframe, []).append(rule)
        self._chosen: dict[tuple[str, str], Chosen] = {}
        self._equal: dict[tuple[str, tuple[int, ...]], Chosen] = {}  # most series have the same rules

    def rules_for(self, ticker: str, timeframe: str) -> Chosen:
        """The rules that look at this series."""
        if timeframe not in self._by_timeframe:
            return NONE
        chosen = self._chosen.get((ticker, timeframe))
        if chosen is None:
            if len(self._chosen) >= MAX_SERIES:
                self._chosen.clear()
            rules = tuple(rule for rule in self._by_timeframe[timeframe] if rule.watches(ticker))
            key = (timeframe, tuple(rule.id for rule in rules))
            chosen = self._equal.get(key)
            if chosen is None:
                chosen = self._equal[key] = _together(rules, timeframe)
            self._chosen[ticker, timeframe] = chosen
        return chosen

    def bars_needed(self, timeframe: str) -> int:
        """How many bars the longest window of a rule has, of this timeframe; also of those that other series ask."""
        own = [rule.expression.bars_needed(timeframe) for rule in self._by_timeframe.get(timeframe, [])]
        asked = [
            bars
            for rules in self._by_timeframe.values()
            for rule in rules
            for other, bars in rule.expression.needs.others
            if other == timeframe
        ]
        return max([*own, *asked], default=1)


def _together(rules: tuple[RuleInUse, ...], timeframe: str) -> Chosen:
    if not rules:
        return NONE
    bars = max(rule.expression.bars_needed(timeframe) for rule in rules)
    return Chosen(rules, bars, reduce(or_, (rule.expression.needs for rule in rules)))


_rows: list[Any] = []
_book = Book()
_read_at = float("-inf")


def current(clock: Callable[[], float] = time.monotonic) -> Book:
    """The rules as they were at most REFRESH_S ago."""
    global _rows, _book, _read_at  # noqa: PLW0603 - one for the process
    if clock() - _read_at >= REFRESH_S:
        rows = _read()
        if rows != _rows:
            _rows, _book = rows, Book(_in_use(*rows))
        _read_at = clock()
    return _book


def forget() -> None:
    """Read the rules again for the next bar."""
    global _read_at  # noqa: PLW0603 - as above
    _read_at = float("-inf")


def _read() -> list[Any]:
    """Enabled rules of active users, the watch lists that they use, and tickers among these that look like patterns.

    Without rules it is one query.
    """
    fields = ("id", "revision", "expression", "timeframes", "watchlist_id", "cooldown_s", "tell_within_s", "tell_late")
    asked = Rule.objects.filter(enabled=True, deleted_at=None, owner__is_active=True)
    rules = list(asked.order_by("id").values(*fields))
    wanted = {rule["watchlist_id"] for rule in rules} - {None}
    lists = dict(WatchList.objects.filter(pk__in=wanted).values_list("pk", "symbols")) if wanted else {}
    odd = {entry for symbols in lists.values() for entry in symbols if tickers.is_pattern(entry)}
    exact = set(Symbol.objects.filter(ticker__in=odd).values_list("ticker", flat=True)) if odd else set()
    return [rules, lists, exact]


def _in_use(rules: list[dict[str, Any]], lists: dict[int, list[str]], exact: set[str]) -> Iterable[RuleInUse]:
    for row in rules:
        try:
            expression = compiled(row["expression"])
        except ExpressionError as exc:  # an upgrade took a word away: the rule is shown as failed
            log.error("rule_unusable", rule=row["id"], error=str(exc))
            continue
        yield RuleInUse(
            id=row["id"],
            revision=row["revision"],
            expression=expression,
            timeframes=frozenset(row["timeframes"]),
            watches=_watcher(row["watchlist_id"], lists, exact),
            cooldown_s=row["cooldown_s"],
            tell_within_s=row["tell_within_s"],
            tell_late=row["tell_late"],
        )


def _watcher(watchlist_id: int | None, lists: dict[int, list[str]], exact: set[str]) -> Callable[[str], bool]:
    if watchlist_id is None:
        return lambda _ticker: True
    entries = lists.get(watchlist_id, [])  # a list that has just been deleted has none
    patterns = [entry for entry in entries if tickers.is_pattern(entry) and entry not in exact]
    named = set(entries) - set(patterns)
    return lambda ticker: ticker in named or tickers.fitting(ticker, patterns) is not None
