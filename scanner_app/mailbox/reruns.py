"""Spans of a series at which the detectors must look again, and what such a look changes in the signals.

Whatever changes a span does so under the lock of its symbol's status row, and raises the row's `revision`: so a look
whose windows were read before is noticed and done again.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F, Q

from scanner_app.detectors import Finding
from scanner_app.domain import wording
from scanner_app.domain.enums import EventKind, RerunCause
from scanner_app.domain.signal_changes import changes
from scanner_app.domain.timeframes import TIMEFRAMES
from scanner_app.mailbox.events import add_event
from scanner_app.mailbox.rows import lock
from scanner_app.models import Bar, Rerun, Signal, SymbolStatus

NEAR_BARS = 500
"""Spans of a series that are no further apart than so many bars are one: windows overlap, and rows stay few."""

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""No time is earlier."""


@dataclass(slots=True, kw_only=True)
class Look:
    """What the detectors found in some bars of a span, one after the other."""

    ran: Collection[str]  # names of the detectors
    found: dict[int, list[Finding]] = field(default_factory=dict)  # by id of the bar
    failed: list[tuple[datetime, str]] = field(default_factory=list)  # bars at which a detector failed, and how
    stopped: bool = False  # by the time limit
    next_bar_at: datetime | None = None  # where the span goes on; None: it is done

    def must_wait(self, span: Rerun) -> bool:
        """Whether a span that was put off goes on only later: the detectors are still as broken as they were."""
        return bool(span.failures and self.failed and not self.found)


def widen(
    symbol_id: int,
    timeframe: str,
    first: datetime,
    last: datetime,
    *,
    cause: RerunCause,
    now: datetime,
    detector: str = "",
) -> None:
    """Have the detectors look again at the bars from `first` to `last`, and at those whose windows they are in.

    `detector`: the name of the only one that must; empty: all. The caller holds the lock of the symbol's status row,
    and raises its revision.
    """
    span = Rerun(symbol_id=symbol_id, timeframe=timeframe, first=first, last=last, detector=detector, cause=cause)
    widen_all([span], now=now)


def widen_all(spans: Sequence[Rerun], *, now: datetime) -> None:
    """The same for several new spans, each of another series: of most calls in two statements."""
    symbols = {span.symbol_id for span in spans}
    known: defaultdict[Hashable, list[Rerun]] = defaultdict(list)
    for row in Rerun.objects.filter(symbol_id__in=symbols, failures=0).order_by("id"):
        known[_series_of(row)].append(row)
    fresh = []
    for span in spans:
        if near := _near(known[_series_of(span)], span):
            _join(near, span)
        else:
            span.created_at = now
            fresh.append(span)
    Rerun.objects.bulk_create(fresh)


def join_completed(symbol_id: int, timeframe: str, timestamp: datetime, *, now: datetime) -> None:
    """A bar was completed with a window that may be older than a revision: it joins the span.

    Called in the completing transaction, which holds the row's lock.
    """
    SymbolStatus.objects.filter(symbol_id=symbol_id).update(revision=F("revision") + 1)
    widen(symbol_id, timeframe, timestamp, timestamp, cause=RerunCause.REVISION, now=now)


def due(now: datetime) -> Rerun | None:
    """The span to look at now, of those that need not wait."""
    waiting = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    spans = Rerun.objects.select_related("symbol__status").filter(waiting, symbol__deleted_at=None)
    # Those that nobody has looked at come first, then in turn: a short span waits for no long one.
    return spans.order_by(F("next_attempt_at").asc(nulls_first=True), "id").first()


def take(span: Rerun, *, until: datetime) -> bool:
    """Keep others from this span until then, or until it is given back. False: somebody else was first."""
    mine = Rerun.objects.filter(pk=span.pk, next_attempt_at=span.next_attempt_at).update(next_attempt_at=until)
    return mine == 1


def give_back(span: Rerun, *, now: datetime) -> None:
    """Let the span be taken again when the others have had their turn."""
    Rerun.objects.filter(pk=span.pk).update(next_attempt_at=now)


def store(span: Rerun, look: Look, *, retry_at: datetime, now: datetime) -> bool:
    """Store what a look changes, in one transaction; False, with nothing changed, if its windows may be old.

    `span` is as it was when the windows were read. Bars at which a detector failed keep their signals, and are put
    on a span of their own, due at `retry_at`.
    """
    with transaction.atomic():
        lock(span.symbol_id)
        revision = SymbolStatus.objects.values_list("revision", flat=True).get(symbol_id=span.symbol_id)
        if revision != span.symbol.status.revision or not _is_unchanged(span):
            return False
        _store_signals(look, now)
        for timestamp, error in look.failed:
            _put_off(span, timestamp, error, retry_at=retry_at, now=now)
        done = span.bars_done + len(look.found)
        if look.next_bar_at is None:
            Rerun.objects.filter(pk=span.pk).delete()
            reason = f"the detectors looked at {wording.counted(done, f'{span.timeframe} bar')} again"
            add_event(span.symbol_id, EventKind.RERUN, now, reason=reason)
        else:
            waits = {"next_attempt_at": retry_at} if look.must_wait(span) else {}
            Rerun.objects.filter(pk=span.pk).update(next_bar_at=look.next_bar_at, bars_done=done, **waits)
    return True


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
    )


def _put_off(span: Rerun, timestamp: datetime, error: str, *, retry_at: datetime, now: datetime) -> None:
    """A detector failed at this bar: look again later. The rest of its span does not wait for it."""
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
        last_error=error,
    )
    # Not its own span, nor one that waits for less: both come to their ends.
    later = Rerun.objects.filter(symbol_id=span.symbol_id, failures__gt=span.failures).order_by("id")
    if near := _near([row for row in later if _series_of(row) == _series_of(fresh)], fresh):
        _join(near, fresh)
    else:
        fresh.save()


def _series_of(span: Rerun) -> Hashable:
    return span.symbol_id, span.timeframe, span.detector, str(span.cause)


def _near(rows: Iterable[Rerun], span: Rerun) -> list[Rerun]:
    reach = NEAR_BARS * TIMEFRAMES[span.timeframe]
    begin = span.first - min(reach, span.first - EARLIEST)
    return [row for row in rows if row.first <= span.last + reach and row.last >= begin]


def _join(near: Sequence[Rerun], span: Rerun) -> None:
    """Widen the oldest of these spans by `span`, and join the others with it."""
    kept, *others = near
    before = (kept.first, kept.last, kept.next_bar_at, kept.bars_done)
    begin = min(span.first, *(one.next_bar_at or one.first for one in near))
    kept.first = min(span.first, *(one.first for one in near))
    kept.next_bar_at = None if begin == kept.first else begin
    kept.last = max(span.last, *(one.last for one in near))
    kept.bars_done = sum(one.bars_done for one in near)
    if (kept.first, kept.last, kept.next_bar_at, kept.bars_done) != before:
        kept.save(update_fields=["first", "last", "next_bar_at", "bars_done"])
    if others:
        Rerun.objects.filter(pk__in=[one.pk for one in others]).delete()
