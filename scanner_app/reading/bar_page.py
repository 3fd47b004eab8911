"""All that is known of one bar, for its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F

from scanner_app.domain.bars import values_of
from scanner_app.mailbox.heads import message_of
from scanner_app.models import Bar, BarRevision, ProcessingFailure, QuarantinedBar, Signal, Symbol
from scanner_app.reading import bar_status, symbols, timeline
from scanner_app.reading.quarantine_entries import open_entries
from scanner_app.reading.timeline import TimelineLine

MARKS = ("late", "held", "derived", "assumed", "revised", "replayed")
"""Columns of a bar that are shown as words, if they are true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPage:
    """What the page of a bar shows."""

    bar: Bar
    status: str  # as the API has it: `processing` for the head of an enabled symbol
    attempts: int  # of the head: those that have failed so far
    marks: Sequence[str]
    values: dict[str, float | None]
    signals: Sequence[Signal]  # withdrawn ones too
    revisions: Sequence[BarRevision]  # the values before, newest first
    failures: Sequence[ProcessingFailure]  # newest first
    entry: QuarantinedBar | None  # in quarantine, now
    task_id: str | None  # of the head, in Flower
    story: Sequence[TimelineLine]  # newest first


def bar_page(bar_id: int) -> BarPage | None:
    """The page of a bar; None if there is no such bar, or its symbol is being deleted."""
    found = Bar.objects.filter(pk=bar_id, symbol__deleted_at=None).select_related("symbol__status").first()
    if found is None:
        return None
    status = found.symbol.status
    is_head = status.head == found.sequence
    return BarPage(
        bar=found,
        status=bar_status.shown(found.status, is_head=is_head, enabled=found.symbol.enabled),
        attempts=status.attempts if is_head else found.attempts,
        marks=[name for name in MARKS if getattr(found, name)],
        values=values_of(found),
        signals=list(found.signals.order_by("id")),
        revisions=list(found.revisions.order_by("-id")),
        failures=list(found.failures.order_by("-id")),
        entry=open_entries().filter(bar=found).first(),
        task_id=message_of(status).task_id if is_head else None,
        story=timeline.story(found),
    )


def head_of(symbol: Symbol) -> int | None:
    """The id of the symbol's head; None if it has none."""
    head = F("symbol__status__head")
    return Bar.objects.filter(symbol=symbol, sequence=head).values_list("pk", flat=True).first()


def id_of(ticker: str, sequence: int) -> int | None:
    """The id of a symbol's bar with this number; None if there is none."""
    if (symbol := symbols.find(ticker)) is None:
        return None
    return Bar.objects.filter(symbol=symbol, sequence=sequence).values_list("pk", flat=True).first()
