"""Spans of a series at which the detectors must look again, and what such a look changes in the signals.

Whatever changes a span does so under the lock of its symbol's status row, and raises the row's `revision`: so a look
whose windows were read before is noticed and done again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from scanner_app.detectors import Finding
from scanner_app.domain import wording
from scanner_app.domain.enums import BarStatus, EventKind, RerunCause
from scanner_app.domain.signal_changes import changes
from scanner_app.mailbox.error_texts import ErrorText
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.quarantine import put_into_quarantine
from scanner_app.mailbox.rerun_spans import join, join_missing, near_ones, of_derived, series_of, widen, widen_all
from scanner_app.mailbox.rows import lock, read_row
from scanner_app.models import Bar, Rerun, Signal, SymbolStatus

LET_COME = timedelta(seconds=60)
"""So long derived bars wait, while bars of their symbol come, for all that change them: each is made again once."""


@dataclass(slots=True, kw_only=True)
class Look:
    """What the detectors found in some bars of a span, one after the other."""

    ran: Collection[str]  # names of the detectors
    without: Collection[str] = ()  # those that should have run, but are switched off
    last: datetime | None = None  # the last bar that was looked at
    found: dict[int, list[Finding]] = field(default_factory=dict)  # by id of the bar
    failed: list[tuple[datetime, str]] = field(default_factory=list)  # bars at which a detector failed, and how
    unusable: "Unusable | None" = None  # the last bar of the look, if a detector called it so
    killed: bool = False  # the failed bar killed the process of an earlier look
    stopped: bool = False  # by the time limit
    next_bar_at: datetime | None = None  # where the span goes on; None: it is done
    is_current: Callable[[], bool] = lambda: False  # whether its windows would still be the same; asked under the lock

    @property
    def seen(self) -> int:
        """The bars that are done with, for better or worse."""
        return len(self.found) + len(self.failed) + (self.unusable is not None)

    def must_wait(self, span: Rerun) -> bool:
        """Whether a span that was put off goes on only later: the detectors are still as broken as they were."""
        return bool(span.failures and self.failed and not self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A bar that its new values, or those of its window, have made unusable."""

    bar_id: int
    timestamp: datetime
    error: ErrorText


def due(now: datetime, *, off: Collection[str] = ()) -> Rerun | None:
    """The span to look at now, of those that need not wait. Those of detectors that are `off` wait."""
    waiting = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    spans = Rerun.objects.select_related("symbol__status").filter(waiting, symbol__deleted_at=None)
    if off:
        spans = spans.exclude(detector__in=off)
    if settings.SCANNER_DERIVE:
        bars_come = Q(symbol__status__head__isnull=False, created_at__gt=now - LET_COME)
        spans = spans.exclude(bars_come, cause=RerunCause.BASE)
    # Those that nobody has looked at come first, then in turn: a short span waits for no long one.
    return spans.order_by(F("next_attempt_at").asc(nulls_first=True), "id").first()


def take(span: Rerun, *, until: datetime) -> bool:
    """Keep others from this span until then, or until it is given back. False: somebody else was first."""
    unchanged = Rerun.objects.filter(pk=span.pk, next_attempt_at=span.next_attempt_at)
    return unchanged.update(next_attempt_at=until, taken=True, careful=span.careful) == 1


def give_back(span: Rerun, *, now: datetime) -> None:
    """Let the span be taken again when the others have had their turn."""
    Rerun.objects.filter(pk=span.pk).update(next_attempt_at=now, taken=False, careful=span.careful)


def store(span: Rerun, look: Look, *, retry_at: datetime, now: datetime) -> bool:
    """Store what a look changes, in one transaction; False, with nothing changed, if its windows are old.

    `span` is as it was when the windows were read. Bars at which a detector failed keep their signals, and are put
    on a span of their own, due at `retry_at`. An unusable bar goes to quarantine, as it would have when it came.
    """
    with transaction.atomic():
        try:
            lock(span.symbol_id)
        except SymbolStatus.DoesNotExist:  # its symbol was deleted meanwhile, and the last of its rows is gone
            return False
        revision = revision_of(span.symbol_id)
        if not _is_unchanged(span):
            return False
        # With the same number no bar was revised; else perhaps others than those of its windows. A late bar that was
        # completed without the detector raises no number, and joins the span without a change of its ends.
        may_be_old = revision != span.symbol.status.revision or span.cause == RerunCause.DETECTOR
        if may_be_old and not look.is_current():
            return False
        _store_signals(look, now)
        if look.without and look.last is not None:
            join_missing(
                span.symbol_id, span.timeframe, span.next_bar_at or span.first, look.last, look.without, now=now
            )
        for timestamp, error in look.failed:
            _put_off(span, timestamp, error, retry_at=retry_at, now=now, careful=span.careful if look.killed else 0)
        if look.unusable is not None:
            _set_aside(span, look.unusable, now)
        _go_on(span, look, retry_at=retry_at, now=now)
    return True


def _go_on(span: Rerun, look: Look, *, retry_at: datetime, now: datetime) -> None:
    """Remove the span if it is done; else store where it goes on."""
    done = span.bars_done + look.seen - len(look.failed)
    if look.next_bar_at is None:
        Rerun.objects.filter(pk=span.pk).delete()
        if not (span.failures and look.failed):  # put off again, and told when it was put off first
            reason = f"the detectors looked at {wording.counted(done, f'{span.timeframe} bar')} again"
            add_event(span.symbol_id, EventKind.RERUN, now, reason=reason)
        return
    careful = span.careful if look.killed else max(0, span.careful - look.seen)
    waits = {"next_attempt_at": retry_at, "taken": False} if look.must_wait(span) else {}
    Rerun.objects.filter(pk=span.pk).update(next_bar_at=look.next_bar_at, bars_done=done, careful=careful, **waits)


def is_current(span: Rerun) -> bool:
    """Whether nothing that concerns the span has changed since it was read; the caller holds the row's lock."""
    return revision_of(span.symbol_id) == span.symbol.status.revision and _is_unchanged(span)


def revision_of(symbol_id: int) -> int:
    """The row's revision as it is now."""
    return SymbolStatus.objects.values_list("revision", flat=True).get(symbol_id=symbol_id)


def _is_unchanged(span: Rerun) -> bool:
    """Whether no bar has joined the span since it was read: a bar that is put off joins without a new revision."""
    rows = Rerun.objects.filter(pk=span.pk, first=span.first, last=span.last, next_bar_at=span.next_bar_at)
    return rows.exists()


def _store_signals(look: Look, now: datetime) -> None:
    stored: Mapping[int, list[Signal]] = {bar_id: [] for bar_id in look.found}
    for signal in Signal.objects.filter(bar_id__in=look.found, withdrawn_at=None):
        stored[signal.bar_id].append(signal)
    withdrawn: list[int] = []
    added: dict[int, list[Finding]] = {}
    for bar_id, found in look.found.items():
        change = changes(found, stored[bar_id], ran=look.ran)
        withdrawn += [signal.pk for signal in change.withdrawn]
        if change.added:
            added[bar_id] = change.added
    if withdrawn:
        Signal.objects.filter(pk__in=withdrawn).update(withdrawn_at=now)
    # Not those that retention has removed meanwhile.
    bars = Bar.objects.in_bulk(added)
    fresh = [_signal(bars[pk], finding, now) for pk, findings in added.items() if pk in bars for finding in findings]
    Signal.objects.bulk_create(fresh)


def _signal(bar: Bar, finding: Finding, now: datetime) -> Signal:
    return Signal(
        symbol_id=bar.symbol_id,
        bar=bar,
        timeframe=bar.timeframe,
        timestamp=bar.timestamp,
        detector=finding.detector,
        pattern=finding.pattern,
        direction=str(finding.direction),
        strength=finding.strength,
        late=bar.late,
        created_at=now,
        revised=True,
        detector_version=finding.version,
        window_gaps=finding.window_gaps,
    )


def _set_aside(span: Rerun, unusable: Unusable, now: datetime) -> None:
    """Put a processed bar into quarantine: the bars after it are looked at without it, as if it had been there."""
    bar = Bar.objects.filter(pk=unusable.bar_id, status=BarStatus.PROCESSED).first()
    if bar is None:  # removed by retention
        return
    Signal.objects.filter(bar=bar, withdrawn_at=None).update(withdrawn_at=now)
    status = SymbolStatus.objects.filter(symbol_id=span.symbol_id)
    status.update(bars_processed=F("bars_processed") - 1, revision=F("revision") + 1)
    missed = span.cause == RerunCause.DETECTOR
    put_into_quarantine(
        read_row(span.symbol_id),
        bar.pk,
        now,
        reason=f"{span.detector} calls the bar unusable" if missed else "a revision has made the bar unusable",
        attempts=bar.attempts,
        error=unusable.error,
    )
    widen_all(of_derived(span.symbol_id, span.timeframe, bar.timestamp, bar.timestamp), now=now)
    # The span itself does not reach all bars after it, or not with all detectors.
    if span.failures or missed or unusable.timestamp > span.last:
        widen(span.symbol_id, span.timeframe, bar.timestamp, bar.timestamp, cause=RerunCause.REVISION, now=now)


def _put_off(span: Rerun, timestamp: datetime, error: str, *, retry_at: datetime, now: datetime, careful: int) -> None:
    """A detector failed at this bar: look again later. The rest of its span does not wait for it.

    `careful`: it killed its process, so the next look at it begins with so many bars one by one.
    """
    fresh = Rerun(
        symbol_id=span.symbol_id,
        timeframe=span.timeframe,
        first=timestamp,
        last=timestamp,
        detector=span.detector,
        cause=span.cause,
        created_at=now,
        failures=span.failures + 1,
        next_attempt_at=retry_at,
        careful=careful,
        last_error=error,
    )
    # Not its own span, nor one that waits for less: both come to their ends.
    later = Rerun.objects.filter(symbol_id=span.symbol_id, failures__gt=span.failures).order_by("id")
    if near := near_ones([row for row in later if series_of(row) == series_of(fresh)], fresh):
        join(near, fresh)
        return
    fresh.save()
    if not span.failures:  # told once
        bar = wording.bar_name(span.timeframe, timestamp)
        reason = f"{bar} keeps its signals and is looked at again later: {error}"
        add_event(span.symbol_id, EventKind.RERUN, now, reason=reason)
