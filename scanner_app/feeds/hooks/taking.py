"""From the message of a hook to ingest, and back to what is said about it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from scanner_app import mailbox
from scanner_app.domain.wording import bar_name
from scanner_app.engine import forming, ingest
from scanner_app.engine.validation import Rejection, validate
from scanner_app.feeds.hooks import mapping, renaming, tradingview
from scanner_app.models import Hook


def take(hook: Hook, messages: Sequence[Any], *, now: datetime, revising: bool = False) -> ingest.Report:
    """Accept the bars of a hook's messages; the report counts them by their place. See `ingest.accept`."""
    sources = mapping.sources(hook.mapping)
    report = ingest.Report()
    bars: dict[int, dict[str, Any]] = {}
    for index, message in enumerate(messages):
        found = _bar(index, message, hook, sources)
        if isinstance(found, Rejection):
            report.rejected.append(found)
        else:
            bars[index] = found
    _say_what_was_forming(bars, now)
    if bars:
        indexes = list(bars)
        taken = ingest.accept(list(bars.values()), now=now, revising=revising, source=f"hook {hook.name}")
        taken.conflicts = [replace(one, index=indexes[one.index]) for one in taken.conflicts]
        taken.rejected = [replace(one, index=indexes[one.index]) for one in taken.rejected]
        taken.rejected = sorted(taken.rejected + report.rejected, key=lambda one: one.index)
        report = taken
    report.rejected = [_explained(one, sources, bars.get(one.index, {})) for one in report.rejected]
    return report


def error_of(report: ingest.Report) -> str:
    """The first thing that is wrong with a message, for the hook's owner; "" if nothing is."""
    if report.rejected:
        return report.rejected[0].message
    if report.conflicts:
        one = report.conflicts[0]
        name = bar_name(one.timeframe, one.timestamp)
        return f"{one.symbol}: the {name} is known with other values, and was not changed"
    return ""


def _bar(index: int, message: Any, hook: Hook, sources: mapping.Sources) -> dict[str, Any] | Rejection:
    if not isinstance(message, dict):
        return Rejection(index, "bar", "invalid", f"a message must be an object, not {type(message).__name__}")
    bar = mapping.raw_bar(sources, message, of_tradingview=hook.mapping == mapping.TRADINGVIEW)
    if "symbol" in bar:
        bar["symbol"] = renaming.ours(hook.tickers, bar["symbol"])
    if "sent_at" in bar:
        moment = mapping.aware(bar["sent_at"])
        if moment is None:
            text = f"sent_at must be a time with an offset or Z, not {bar['sent_at']!r}"[: mapping.MAX_TEXT]
            return Rejection(index, "sent_at", "invalid", text)
        bar["sent_at"] = moment
    return bar


def _say_what_was_forming(bars: dict[int, dict[str, Any]], now: datetime) -> None:
    """Say of each bar that was forming when it was sent that it is not closed, even if its period is over by now."""
    sent: dict[datetime, list[tuple[int, mailbox.NewBar]]] = defaultdict(list)
    for index, bar in bars.items():
        sent_at = bar.pop("sent_at", None)
        if sent_at is None or bar.get("closed") is not None or sent_at >= now:
            continue
        checked = validate(index, bar, now)
        if not isinstance(checked, Rejection):
            sent[sent_at].append((index, checked))
    for sent_at, some in sent.items():
        for index, _ in forming.split(some, now=sent_at)[1]:
            bars[index]["closed"] = False


def _explained(rejection: Rejection, sources: mapping.Sources, bar: dict[str, Any]) -> Rejection:
    """The rejection, with where the field came from if that has another name, and a hint."""
    source = sources.get(rejection.field)
    text = rejection.message
    if source is not None and source.key != rejection.field:
        text = f"{text} ({source.words})"
    value = bar.get(rejection.field)
    if isinstance(value, str) and tradingview.PLACEHOLDER.search(value):
        text = f"{text}; {tradingview.NOT_FILLED_IN}"
    return replace(rejection, message=text)
