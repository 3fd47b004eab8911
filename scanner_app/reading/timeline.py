"""What happened to a symbol and to a bar, each line with its sentence.

A symbol's timeline consists of its events. The event of a failed attempt also has that attempt's details. A bar's
timeline is made from the bar's own rows: acceptance, attempts, what followed, result and signals.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from scanner_app.domain import wording
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.bars import values_of
from scanner_app.domain.enums import BarStatus, EventKind
from scanner_app.models import Bar, ProcessingFailure, Signal, SymbolEvent

IN_MS = 10_000
"""Shorter latencies are shown in ms, longer ones as a span. A healthy bar is below it, a bar that was held is above."""

OF_FAILURES = frozenset({EventKind.PAUSED, EventKind.OPENED, EventKind.REOPENED, EventKind.QUARANTINED})
"""Events that a failed attempt may lead to. They are written in its transaction, and found by their equal time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineLine:
    """One line of a timeline; the names are the API's."""

    id: int  # of the event; in a bar's timeline the place in it, from 1
    kind: str
    at: datetime
    actor: str
    reason: str
    bar: int | None
    sentence: str
    detail: dict[str, Any] | None = None  # of an operator's action: what it changed, before and after
    # Of a failed attempt; its traceback is in the list of failures.
    failure: int | None = None  # its id there
    attempt: int | None = None
    times: int = 1  # above 1: counted up in a hold
    error_type: str = ""
    message: str = ""
    retry_delay_s: float | None = None
    next_attempt_at: datetime | None = None
    after_s: float | None = None  # in a bar's timeline: since the line before


# The wording: values in, sentences out.


def _who(actor: str) -> str:
    return f"The {SCANNER}" if actor == SCANNER else actor


def _act(text: str) -> Callable[[str, str, str], str]:
    """What a user did, and the reason if there is one."""

    def say(actor: str, reason: str, bar: str) -> str:
        why = wording.one_line(reason)
        return f"{_who(actor)} {text.format(bar=bar)}{f': {why}' if why else ''}"

    return say


def _happened(text: str) -> Callable[[str, str, str], str]:
    """What happened without a user; the scanner's own reason is part of the sentence."""

    def say(_actor: str, reason: str, bar: str) -> str:
        return text.format(reason=wording.one_line(reason), bar=bar)

    return say


def _calendar(actor: str, reason: str, _bar: str) -> str:
    """The event's reason starts with the calendar's name; a user's reason may follow."""
    name, _, why = wording.one_line(reason).partition(": ")
    calendar = "the one from the settings" if name == "by the settings" else name
    return f"{_who(actor)} set its trading calendar to {calendar}{f': {why}' if why else ''}"


def _threshold(actor: str, reason: str, _bar: str) -> str:
    """The event's reason starts with the limit; a user's reason may follow."""
    return f"{_who(actor)} set its limit for slow bars to {wording.one_line(reason)}"


def _silence(text: str) -> Callable[[str, str, str], str]:
    """The event's reason starts with what is silenced and until when; a user's reason may follow."""
    return lambda actor, reason, _bar: f"{_who(actor)} {text} {wording.one_line(reason)}"


SENTENCES: dict[str, Callable[[str, str, str], str]] = {
    EventKind.CREATED: _act("added the symbol"),
    EventKind.PAUSED: _happened("Paused: {reason}"),
    EventKind.OPENED: _happened("The breaker opened: {reason}"),
    EventKind.REOPENED: _happened("The probe failed, the breaker stays open: {reason}"),
    EventKind.CLOSED: _happened("The probe, the {bar}, succeeded, and the breaker closed {reason}"),
    EventKind.RECOVERED: _happened("The {bar} succeeded {reason}"),
    EventKind.HELD: _happened("On hold: the {bar} is not at fault, because {reason}"),
    EventKind.QUARANTINED: _happened("The {bar} went into quarantine: {reason}"),
    EventKind.REPLAYED: _act("replayed the {bar}"),
    EventKind.DISCARDED: _act("discarded the {bar}"),
    EventKind.REPLACED: _happened("New values arrived for the {bar}, so it was accepted again"),
    EventKind.REVISED: _act("sent new values"),
    EventKind.RERUN: _happened("After the change, {reason}"),
    EventKind.RESET: _act("reset the symbol"),
    EventKind.SKIPPED: _act("skipped the {bar}"),
    EventKind.ENABLED: _act("enabled the symbol"),
    EventKind.DISABLED: _act("disabled the symbol"),
    EventKind.DELETED: _act("deleted the symbol"),
    EventKind.LANE: _happened("Moved {reason}"),
    EventKind.CALENDAR: _calendar,
    EventKind.THRESHOLD: _threshold,
    EventKind.VERSION: _happened("From here on {reason}"),
    EventKind.SILENCED: _silence("silenced"),
    EventKind.UNSILENCED: _silence("ended the silence of"),
}
"""By kind of event: a function of actor, reason and the bar's name, which returns the sentence."""


def event_sentence(event: SymbolEvent, failure: ProcessingFailure | None) -> str:
    """A line of a symbol's timeline in one or more sentences."""
    bar = "bar" if event.bar is None else wording.bar_name(event.bar.timeframe, event.bar.timestamp)
    say = SENTENCES.get(event.kind) or _act(event.kind)
    parts = [say(event.actor, event.reason, bar)]
    if failure is not None:
        parts += [attempt_words(failure), retry_words(failure)]
    return _sentences(*parts)


def attempt_words(failure: ProcessingFailure) -> str:
    """Which attempt failed, and its error."""
    before = failure.times - 1  # counted up in a hold
    like = f", like the {f'{before} attempts' if before > 1 else 'attempt'} before it" if before else ""
    return f"Attempt {failure.attempt} failed{like}: {wording.error_line(failure.error_type, failure.message)}"


def retry_words(failure: ProcessingFailure) -> str:
    """When the next attempt was due; empty if there was none."""
    if failure.retry_delay_s is None or failure.next_attempt_at is None:
        return ""
    waits_s = (failure.next_attempt_at - failure.failed_at).total_seconds()
    due = f"The next attempt was due {wording.span(failure.retry_delay_s)} later"
    if waits_s > failure.retry_delay_s + 0.001:  # microseconds are lost on the way through the database
        due += f"; the breaker delayed it to {wording.span(waits_s)}"
    return due


def _sentences(*parts: str) -> str:
    return " ".join(part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in parts if part)


# A symbol.


def events() -> QuerySet[SymbolEvent]:
    """The events of all symbols, with their bars; a list filters and pages them."""
    return SymbolEvent.objects.select_related("bar")


def lines(page: Sequence[SymbolEvent]) -> list[TimelineLine]:
    """Events as lines, with their failed attempts. One query, whatever their number."""
    failures = _failures_of(page)
    return [_line(event, failures.get((event.bar_id, event.at))) for event in page]


def _failures_of(page: Sequence[SymbolEvent]) -> dict[tuple[int | None, datetime], ProcessingFailure]:
    with_failure = [event for event in page if event.kind in OF_FAILURES and event.bar_id is not None]
    if not with_failure:
        return {}
    rows = ProcessingFailure.objects.filter(
        bar_id__in={event.bar_id for event in with_failure}, failed_at__in={event.at for event in with_failure}
    )
    return {(row.bar_id, row.failed_at): row for row in rows.defer("traceback")}


def _line(event: SymbolEvent, failure: ProcessingFailure | None) -> TimelineLine:
    if event.kind not in OF_FAILURES:
        failure = None  # by chance at the same moment
    return TimelineLine(
        id=event.pk,
        kind=event.kind,
        at=event.at,
        actor=event.actor,
        reason=event.reason,
        bar=event.bar_id,
        sentence=event_sentence(event, failure),
        detail=event.detail,
        **({} if failure is None else _of_failure(failure)),
    )


def _of_failure(failure: ProcessingFailure) -> dict[str, Any]:
    names = ("attempt", "times", "error_type", "message", "retry_delay_s", "next_attempt_at")
    return {"failure": failure.pk, **{name: getattr(failure, name) for name in names}}


# A bar.


def story(bar: Bar) -> list[TimelineLine]:
    """A bar's whole timeline, newest first; it has few lines. Three queries."""
    happened = _in_order(bar)
    before: list[TimelineLine | None] = [None, *happened]
    numbered = [
        replace(
            line,
            id=place,
            after_s=None if previous is None else round((line.at - previous.at).total_seconds(), 3),
        )
        for place, (previous, line) in enumerate(zip(before, happened, strict=False), start=1)
    ]
    return numbered[::-1]


RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            "accepted",
            "failed",
            *(EventKind.OPENED, EventKind.REOPENED),
            "control",
            *(EventKind.HELD, EventKind.QUARANTINED, EventKind.SKIPPED, EventKind.DISCARDED, EventKind.RESET),
            *(EventKind.REPLAYED, EventKind.REPLACED, EventKind.REVISED),
            "processed",
            "signal",
            *(EventKind.CLOSED, EventKind.RECOVERED),
        )
    )
}
"""The order of lines that have the same time, since one transaction wrote them."""


def _in_order(bar: Bar) -> list[TimelineLine]:
    events_of_it = [event for event in events().filter(bar_id=bar.pk) if event.kind != EventKind.PAUSED]
    failures = list(ProcessingFailure.objects.filter(bar_id=bar.pk).defer("traceback"))
    happened = [
        *_acceptance(bar, events_of_it),
        *(_failed(bar, failure) for failure in failures),
        *_control_runs(bar, failures, events_of_it),
        *_revised(bar),
        *(_line(event, None) for event in events_of_it),
        *_result(bar),
    ]
    return sorted(happened, key=lambda line: (line.at, RANK.get(line.kind, 0), line.id))


def _of_bar(bar: Bar, kind: str, at: datetime, sentence: str, **more: Any) -> TimelineLine:
    return TimelineLine(
        id=0, kind=kind, at=at, actor=SCANNER, reason="", bar=bar.pk, sentence=_sentences(sentence), **more
    )


def _acceptance(bar: Bar, events_of_it: Sequence[SymbolEvent]) -> Iterator[TimelineLine]:
    again = {EventKind.REPLAYED, EventKind.REPLACED}
    if any(event.kind in again and event.at == bar.accepted_at for event in events_of_it):
        return  # the row has only the time of the last acceptance, and that is this event
    late = ", late: a newer bar of its series is known" if bar.late else ""
    yield _of_bar(bar, "accepted", bar.accepted_at, f"Accepted as number {bar.sequence:,}{late}")


def _failed(bar: Bar, failure: ProcessingFailure) -> TimelineLine:
    sentence = _sentences(attempt_words(failure), retry_words(failure))
    return _of_bar(bar, "failed", failure.failed_at, sentence, **_of_failure(failure))


def _control_runs(
    bar: Bar, failures: Sequence[ProcessingFailure], events_of_it: Sequence[SymbolEvent]
) -> Iterator[TimelineLine]:
    """The control run after the last retry. In a hold its time is lost, because later failures renew the same row."""
    quarantined_at = {event.at for event in events_of_it if event.kind == EventKind.QUARANTINED}
    for failure in failures:
        if failure.retry_delay_s is None and failure.failed_at not in quarantined_at:
            sentence = "Its retries were used up: a control run on the last good bar was requested"
            yield _of_bar(bar, "control", failure.failed_at, sentence)


def _revised(bar: Bar) -> Iterator[TimelineLine]:
    for before in bar.revisions.order_by("id"):
        values = ", ".join(
            f"{name} {'unknown' if value is None else f'{value:g}'}" for name, value in values_of(before).items()
        )
        assumed = "assumed " if before.assumed else ""
        yield _of_bar(
            bar,
            EventKind.REVISED,
            before.at,
            f"{_who(before.source)} sent new values; the {assumed}ones before: {values}",
        )


def _result(bar: Bar) -> Iterator[TimelineLine]:
    if bar.status != BarStatus.PROCESSED or bar.finished_at is None:
        return
    ms = bar.latency_ms or 0
    took = f", {f'{ms:,} ms' if ms < IN_MS else wording.span(ms / 1000)} after it was accepted"
    held = "; it waited during a pause of its symbol" if bar.held else ""
    yield _of_bar(bar, "processed", bar.finished_at, f"Processed by attempt {bar.attempts}{took}{held}")
    for signal in Signal.objects.filter(bar_id=bar.pk).order_by("id"):
        sentence = (
            f"Signal {signal.pattern}, {signal.direction}, strength {round(signal.strength, 1):g}, by {signal.detector}"
        )
        if signal.revised:
            sentence += ", found when the detectors looked again"
        yield _of_bar(bar, "signal", signal.created_at, sentence)
        if signal.withdrawn_at is not None:
            gone = f"Signal {signal.pattern} by {signal.detector} was withdrawn: the detectors did not find it again"
            yield _of_bar(bar, "withdrawn", signal.withdrawn_at, gone)
