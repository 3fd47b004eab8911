"""The report of `manage.py history`: as text, as JSON, as a page with plots that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.forms import model_to_dict
from django.template.loader import render_to_string

from scanner_app.domain.enums import WorthVerdict
from scanner_app.domain.wording import counted
from scanner_app.feeds.history_bars import Collected
from scanner_app.models import SignalWorth
from scanner_app.pages.worth import drawn
from scanner_app.signals.history import SeriesAccount
from scanner_app.signals.wording import details, kind, sentence, title

WIDTH, HEIGHT, STRIP = 640, 120, 24
"""Of a series' drawing, and of the strip below it that shows where the signals are; in its own units."""

SERIES_DRAWN: Final = 50
"""More drawings are not looked at."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported. `rules`: names of rules by their ids."""

    series: Sequence[SeriesAccount]
    collected: Collected
    rows: Sequence[SignalWorth]
    rules: Mapping[int, str]


def as_text(report: Report) -> Iterator[str]:
    """Lines: each series, what was left out, and what each kind of signal was worth at each horizon."""
    for one in report.series:
        yield f"{one.symbol} {one.timeframe}: {_seen(one)}"
    yield from left_out(report)
    for row in report.rows:
        yield f"{kind(row, report.rules)}: {sentence(row)}"
    yield _summary(report)


def as_json(report: Report) -> dict[str, Any]:
    """The same as plain values."""
    collected = report.collected
    return {
        "series": [_series_as_json(one, report.rules) for one in report.series],
        "duplicates": collected.duplicates,
        "unfinished": collected.unfinished,
        "refused": dict(collected.refused),
        "results": [
            {
                **model_to_dict(row, exclude=["id", "rule_id", "computed_at"]),
                "rule": None if row.rule_id is None else title(row, report.rules),
            }
            for row in report.rows
        ],
    }


def as_html(report: Report, now: datetime) -> str:
    """The same as a page: lifts with their intervals, and each series with the places of its signals."""
    horizons = sorted({row.horizon for row in report.rows})
    judged = [row for row in report.rows if row.verdict != WorthVerdict.TOO_FEW]
    few = [row for row in report.rows if row.verdict == WorthVerdict.TOO_FEW]
    context = {
        "made_at": now,
        "summary": _summary(report),
        "left_out": list(left_out(report)),
        "tables": [
            {"horizon": horizon, "judged": drawn([row for row in judged if row.horizon == horizon], report.rules)}
            for horizon in horizons
        ],
        "few": [(title(row, report.rules), details(row), sentence(row)) for row in few],
        "series": [{"one": one, "words": _seen(one), **_drawing(one)} for one in report.series[:SERIES_DRAWN]],
        "more_series": max(0, len(report.series) - SERIES_DRAWN),
        "width": WIDTH,
        "height": HEIGHT,
        "whole": HEIGHT + STRIP,
    }
    return render_to_string("scanner_app/history.html", context)


def left_out(report: Report) -> Iterator[str]:
    """What was not looked at, in sentences."""
    collected = report.collected
    if collected.duplicates:
        yield f"{counted(collected.duplicates, 'bar')} left out: there was one of the same time before."
    if collected.unfinished:
        yield f"{counted(collected.unfinished, 'bar')} left out: the period is not over."
    for reason, number in sorted(collected.refused.items()):
        yield f"{counted(number, 'bar')} refused as {reason}."
    yield from collected.examples
    for one in report.series:
        series = f"{one.symbol} {one.timeframe}"
        if one.failed:
            rest = ", then the rest of the series" if one.stopped else ""
            yield f"{series}: a detector failed at {counted(one.failed, 'bar')}, left out{rest}; the first: {one.error}"
        for rule_id, error in one.failed_rules.items():
            yield f"{series}: the rule {report.rules.get(rule_id, rule_id)} failed and was off from there on: {error}"


def _seen(one: SeriesAccount) -> str:
    if one.first is None or one.last is None:
        return "no bars"
    span = f"{one.first:%Y-%m-%d} to {one.last:%Y-%m-%d}"
    return f"{counted(one.bars, 'bar')}, {span}, {counted(one.signals, 'signal')}, {counted(one.hits, 'hit')} of rules"


def _summary(report: Report) -> str:
    bars, signals, hits = (sum(getattr(one, name) for one in report.series) for name in ("bars", "signals", "hits"))
    edges = sum(row.verdict == WorthVerdict.EDGE for row in report.rows)
    return (
        f"{counted(bars, 'bar')}, {counted(signals, 'signal')}, {counted(hits, 'hit')} of rules; "
        f"{counted(len(report.rows), 'figure')}, of which {edges} show an edge. Nothing was stored."
    )


def _series_as_json(one: SeriesAccount, rules: Mapping[int, str]) -> dict[str, Any]:
    values = asdict(one)
    del values["closes"], values["counts"]
    times = {name: None if values[name] is None else values[name].isoformat() for name in ("first", "last")}
    failed = {str(rules.get(rule_id, rule_id)): error for rule_id, error in one.failed_rules.items()}
    return values | times | {"failed_rules": failed}


def _drawing(one: SeriesAccount) -> dict[str, Any]:
    """The places of a series' closes as SVG has them, and of the bars that show how many signals there were."""
    if not one.closes:
        return {"line": "", "marks": []}
    low, high = min(one.closes), max(one.closes)
    step, reach, most = WIDTH / max(1, len(one.closes) - 1), (high - low) or 1.0, max([*one.counts, 1])
    line = " ".join(
        f"{place * step:.1f},{HEIGHT - (close - low) / reach * HEIGHT:.1f}" for place, close in enumerate(one.closes)
    )
    marks = [
        {"x": round(place * step, 1), "y": round(HEIGHT + STRIP * (1 - count / most), 1)}
        for place, count in enumerate(one.counts)
        if count
    ]
    return {"line": line, "marks": marks}
