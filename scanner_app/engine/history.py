"""Run detectors and rules over series in memory, bar by bar, as the workers did or would have. Stores nothing.

Windows, detectors and rules are asked by the functions that a live bar goes through (window.py, detection.py,
judging.py); only where the bars come from differs. All bars come in their time: none is late, and each is young enough
for a hit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanner_app.detectors import Detector, Finding, Window
from scanner_app.domain.hits import State
from scanner_app.domain.trading_hours import Hours
from scanner_app.domain.wording import error_line
from scanner_app.engine import detection, judging, window_gaps
from scanner_app.engine.rule_book import NONE, Chosen, RuleInUse
from scanner_app.mailbox.hits import NewFailure, NewHit

MOST_FAILURES = 100
"""Bars of a series at which the detectors may fail; then the rest is left out. A detector that is broken fails at every
bar, and each of them costs a copy of the series."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen in one bar."""

    timestamp: datetime
    findings: Sequence[Finding] = ()
    hits: Sequence[NewHit] = ()
    rule_failures: Sequence[NewFailure] = ()  # rules that raised, and are off for the rest of the series
    error: str = ""  # of a detector: the bar is left out, as one in quarantine


@dataclass(slots=True, kw_only=True)
class Run:
    """One series, looked at from its first bar to its last. `others`: the symbol's other series, by timeframe."""

    series: Window
    detectors: Sequence[Detector]
    hours: Hours
    rules: Chosen = NONE
    others: Mapping[str, Window] = field(default_factory=dict)
    failed: int = 0  # bars that were left out
    stopped: bool = False  # there were MOST_FAILURES of them

    def bars(self) -> Iterator[Looked]:
        """Look at each bar. Afterwards `series` has the bars without those that were left out."""
        needed = max([*(one.bars_needed for one in self.detectors), self.rules.bars, 1])
        states: dict[int, State] = {}
        place = 0
        while place < len(self.series):
            window = self.series.between(max(0, place + 1 - needed), place + 1)
            timestamp = window.timestamps[-1].item().replace(tzinfo=UTC)
            try:
                found = detection.run(self.detectors, window)
            except Exception as exc:  # noqa: BLE001 - whatever a detector raises is the bar's failure
                if isinstance(exc.__cause__, KeyboardInterrupt):  # Ctrl-C came while a detector ran
                    raise exc.__cause__ from None
                yield Looked(timestamp, error=error_line(type(exc).__name__, str(exc)))
                self.series = _without(self.series, place)
                self.failed += 1
                if self.failed == MOST_FAILURES:
                    self.series, self.stopped = self.series.between(0, place), True
                continue
            place += 1
            findings = window_gaps.counted(found, self.detectors, window, lambda: self.hours)
            hits, failures = self._judge(window, findings, states, timestamp)
            yield Looked(timestamp, findings, hits, failures)

    def _judge(
        self, window: Window, findings: Sequence[Finding], states: dict[int, State], timestamp: datetime
    ) -> tuple[Sequence[NewHit], Sequence[NewFailure]]:
        """The hits and failures of rules with this bar; keeps in `states` what they said."""
        rules, needs = self.rules.rules, self.rules.needs
        if not rules:
            return (), ()
        hours = self.hours if needs.session or needs.others else None
        frame = judging.frame_from(window, findings, needs, hours, self._bars_up_to)
        judged = judging.answers(
            rules, frame, states, bar_at=int(timestamp.timestamp()), tells=lambda _rule: True, failed=_failed
        )
        if judged is None:
            return (), ()
        if judged.states is not None:
            states.clear()
            states.update(judged.states)
        return judged.hits, judged.failures

    def _bars_up_to(self, timeframe: str, end: datetime, count: int) -> Sequence[Sequence[Any]]:
        """As sql.bars_up_to, of the symbol's other series."""
        other = self.series if timeframe == self.series.timeframe else self.others.get(timeframe)
        if other is None:
            return []
        stop = int(np.searchsorted(other.timestamps, _plain(end)))
        cut = other.between(max(0, stop - count), stop)
        columns = (cut.open, cut.high, cut.low, cut.close, cut.volume)
        return list(zip(cut.timestamps.astype(str).tolist(), *(one.tolist() for one in columns), strict=True))[::-1]


def _failed(rule: RuleInUse, error: Exception) -> NewFailure:
    return NewFailure(rule.id, rule.revision, error_line(type(error).__name__, str(error)))


def _without(series: Window, place: int) -> Window:
    columns: dict[str, NDArray[Any]] = {
        name: np.delete(getattr(series, name), place)
        for name in ("timestamps", "open", "high", "low", "close", "volume")
    }
    return Window.of(symbol=series.symbol, timeframe=series.timeframe, **columns)


def _plain(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
