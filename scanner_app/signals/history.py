"""What detectors and rules saw in series in memory, and what that was worth: the account of `manage.py history`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scanner_app.detectors import Window
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.engine import rule_book
from scanner_app.engine.history import Run
from scanner_app.engine.rule_book import Book, RuleInUse
from scanner_app.models import Rule, SignalWorth
from scanner_app.signals.outcomes import places_of, rows_of
from scanner_app.signals.worth import Kind, Study, kind_of_rule
from scanner_app.trader_rules import ExpressionError, compiled

POINTS: Final = 200
"""Points of a series that are kept for its drawing."""


@dataclass(slots=True, kw_only=True)
class SeriesAccount:
    """One series that was looked at."""

    symbol: str
    timeframe: str
    bars: int = 0
    first: datetime | None = None
    last: datetime | None = None
    signals: int = 0
    hits: int = 0
    failed: int = 0  # bars that were left out, because a detector failed
    stopped: bool = False  # so many of them that the rest was left out
    error: str = ""  # of the first of these
    failed_rules: dict[int, str] = field(default_factory=dict)  # by the rule's id, its error; off from there on
    closes: list[float] = field(default_factory=list)  # POINTS of them at most, for a drawing
    counts: list[int] = field(default_factory=list)  # signals and hits up to each of these, from the one before


class Account:
    """Looks at one series after the other; then says what was seen in each, and what it was worth."""

    def __init__(self, horizons: Iterable[int]) -> None:
        self.series: list[SeriesAccount] = []
        self._study = Study(horizons)

    def look_at(self, run: Run, *, on_bar: Callable[[], None] = lambda: None) -> SeriesAccount:
        """Look at a series; calls `on_bar` after each of its bars."""
        one = SeriesAccount(symbol=run.series.symbol, timeframe=run.series.timeframe)
        self.series.append(one)
        moments: defaultdict[Kind, list[int]] = defaultdict(list)
        for seen in run.bars():
            at = int(seen.timestamp.timestamp())
            for finding in seen.findings:
                kind = Kind(finding.detector, finding.pattern, finding.direction.value, one.timeframe)
                moments[kind].append(at)
            for hit in seen.hits:
                moments[kind_of_rule(hit.rule_id, one.timeframe)].append(at)
            one.signals += len(seen.findings)
            one.hits += len(seen.hits)
            one.failed_rules |= {failure.rule_id: failure.error for failure in seen.rule_failures}
            one.error = one.error or seen.error
            on_bar()
        one.failed, one.stopped = run.failed, run.stopped
        self._close(one, run.series, moments)
        return one

    def _close(self, one: SeriesAccount, series: Window, moments: Mapping[Kind, list[int]]) -> None:
        """What can be said at the end of a series."""
        one.bars = len(series)
        if not one.bars:
            return
        times = series.timestamps.astype("datetime64[s]").astype(np.int64)
        one.first, one.last = (datetime.fromtimestamp(int(times[place]), UTC) for place in (0, -1))
        places = {kind: places_of(found, times) for kind, found in moments.items()}
        self._study.add_series(times, series.close, places, timeframe_s=TIMEFRAMES[one.timeframe].total_seconds())
        shown = np.unique(np.linspace(0, one.bars - 1, min(POINTS, one.bars)).astype(np.intp))
        one.closes = series.close[shown].tolist()
        one.counts = _counts([times[shown], *(np.array(found) for found in moments.values())])

    def rows(self, now: datetime) -> list[SignalWorth]:
        """What the signals and hits were worth, the greatest lift that was shown first; not stored."""
        return sorted(
            rows_of(self._study, now),
            key=lambda row: (row.verdict, -(row.lift_low if row.lift_low is not None else row.lift), -row.lift),
        )


def _counts(times: Sequence[NDArray[np.int64]]) -> list[int]:
    """How many of the later arrays' moments are after one moment of the first and up to the next."""
    shown, *moments = times
    if not moments:
        return [0] * len(shown)
    places = np.searchsorted(shown, np.concatenate(moments))
    return [int(count) for count in np.bincount(places, minlength=len(shown))[: len(shown)]]


def rules_asked(texts: Sequence[str]) -> tuple[Book, dict[int, str]]:
    """The rules to ask, and the name of each: those of these names, or with these conditions, about all series.

    Without texts it is the enabled rules, each about the series that it looks at. Raises ValueError in a sentence.
    """
    if not texts:
        return rule_book.current(), dict(Rule.objects.filter(deleted_at=None).values_list("pk", "name"))
    rules = [_rule(text, number) for number, text in enumerate(dict.fromkeys(texts), start=1)]
    return Book(rule for rule, _ in rules), {rule.id: name for rule, name in rules}


def _rule(text: str, number: int) -> tuple[RuleInUse, str]:
    named = list(Rule.objects.filter(name=text, deleted_at=None).select_related("owner"))
    if len(named) > 1:
        owners = ", ".join(sorted(rule.owner.get_username() for rule in named))
        raise ValueError(f"{owners} each have a rule {text!r}: give its condition instead of its name")
    stored = named[0] if named else None
    try:
        expression = compiled(stored.expression if stored else text)
    except ExpressionError as exc:
        what = (
            f"the condition of the rule {text!r} can't be asked" if stored else f"{text!r} is no rule, nor a condition"
        )
        raise ValueError(f"{what}: {exc}") from exc
    rule = RuleInUse(
        id=stored.pk if stored else -number,
        revision=1,
        expression=expression,
        timeframes=frozenset(TIMEFRAMES),
        watches=lambda _ticker: True,
        cooldown_s=stored.cooldown_s if stored else 0,
        tell_within_s=None,
        tell_late=False,
    )
    return rule, text
