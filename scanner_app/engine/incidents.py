"""Find detectors that fail on many symbols at once, tell of each once, and, by setting, switch them off.

Judged from the rows of failures alone, by a task: bars' transactions write no row that symbols share. Failures whose
detector is not known, such as killed runs, are never part of an incident.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from scanner_app.conf import breaker_rules
from scanner_app.domain import incidents
from scanner_app.domain.actors import SCANNER
from scanner_app.domain.enums import DetectorState
from scanner_app.domain.incidents import KIND, Failing
from scanner_app.domain.wording import counted
from scanner_app.engine import detector_switches
from scanner_app.models import DetectorSwitch, FailureIncident, ProcessingFailure, SymbolStatus
from scanner_app.notifications import outbox

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The failures of one kind in the last minute."""

    detector: str
    error_type: str
    place: str
    symbols: int
    first_at: datetime
    last_at: datetime


def judge(now: datetime) -> dict[str, int]:
    """Begin, tell and end incidents; returns how many. Safe to run twice, also at the same time."""
    done = {"began": 0, "told": 0, "ended": 0}
    groups = _groups(now)
    known = {_kind(row): row for row in FailureIncident.objects.filter(ended_at=None)}
    for group in groups:
        if (row := known.get(_kind(group))) is not None:
            row.last_at, row.symbols = max(row.last_at, group.last_at), max(row.symbols, group.symbols)
            FailureIncident.objects.filter(pk=row.pk).update(last_at=row.last_at, symbols=row.symbols)
        elif incidents.is_one(group.symbols, _active(now)):
            row, made = _begin(group)
            known[_kind(group)] = row
            done["began"] += made
    for row in known.values():
        if settings.SCANNER_DETECTOR_AUTO_OFF:
            _switch_off(row, now)
        done["told"] += _tell(row, now)
        if incidents.is_over(row.last_at, recovery=breaker_rules().recovery, now=now):
            done["ended"] += _end(row, now)
    return done


def _kind(one: Group | FailureIncident) -> tuple[str, str, str]:
    return one.detector, one.error_type, one.place


def _groups(now: datetime) -> list[Group]:
    recent = ProcessingFailure.objects.filter(failed_at__gt=now - incidents.WITHIN, symbol__deleted_at=None)
    rows = (
        recent.exclude(detector=None)
        .values(*KIND)
        .annotate(symbols=Count("symbol", distinct=True), first_at=Min("failed_at"), last_at=Max("failed_at"))
    )
    return [Group(**{**row, "place": row["place"] or ""}) for row in rows]


def _active(now: datetime) -> int:
    """The symbols that have had a bar processed, or an attempt failed, in the last minute."""
    since = now - incidents.WITHIN
    failed = ProcessingFailure.objects.filter(failed_at__gt=since).values("symbol_id")
    active = Q(last_processed_at__gt=since) | Q(symbol_id__in=failed)
    return SymbolStatus.objects.filter(active, symbol__deleted_at=None).count()


def _failures(row: FailureIncident) -> QuerySet[ProcessingFailure]:
    """The failures of an incident."""
    place = Q(place=row.place) if row.place else Q(place="") | Q(place=None)
    return ProcessingFailure.objects.filter(
        place, detector=row.detector, error_type=row.error_type, failed_at__gte=row.began_at, symbol__deleted_at=None
    )


def _begin(group: Group) -> tuple[FailureIncident, bool]:
    """The incident, and whether it is new."""
    row, made = FailureIncident.objects.get_or_create(
        detector=group.detector,
        error_type=group.error_type,
        place=group.place,
        ended_at=None,
        defaults={"began_at": group.first_at, "last_at": group.last_at, "symbols": group.symbols},
    )
    if made:
        log.error(
            "detector_incident", detector=row.detector, error=row.error_type, place=row.place, symbols=row.symbols
        )
    return row, made


def _switch_off(row: FailureIncident, now: datetime) -> None:
    """Switch its detector off, if it goes on failing on many symbols since it was last switched on."""
    switch = DetectorSwitch.objects.filter(name=row.detector).first()
    if switch is not None and switch.state != DetectorState.ON:
        return
    since = now - incidents.WITHIN
    if switch is not None and switch.by:  # what it did before it was switched on is forgiven
        since = max(since, switch.changed_at)
    failing = _failures(row).filter(failed_at__gt=since).aggregate(count=Count("symbol", distinct=True))["count"]
    if not incidents.is_one(failing, _active(now)):
        return
    on_at = switch.changed_at if switch is not None and switch.by == SCANNER else None
    returns = incidents.returns_of(switch.returns if switch else 0, switched_on_at=on_at, now=now)
    detector_switches.switch_off(
        row.detector,
        by=SCANNER,
        now=now,
        reason=f"it failed on {counted(failing, 'symbol')} with {row.error_type} at {row.place or 'no known place'}",
        recovery=incidents.recovery_of(breaker_rules().recovery, returns),
        returns=returns,
    )


def _tell(row: FailureIncident, now: datetime) -> bool:
    """Write the message of the symbols that were not told yet, if it is due; also of those that failed later."""
    outbox.hold_back(row.pk, _failures(row).values("symbol_id"), since=row.began_at)
    untold = _failing(row)
    if row.told_at is not None:
        untold = [one for one in untold if one.first_at > row.told_at]
    if not incidents.must_tell([one.first_at for one in untold], now):
        return False
    told_at = now - incidents.SETTLED
    settled = [one for one in untold if one.first_at <= told_at]
    switch = DetectorSwitch.objects.filter(name=row.detector).first()
    return bool(settled) and outbox.incident(row, settled, told_at=told_at, switch=switch, now=now)


def _failing(row: FailureIncident) -> Sequence[Failing]:
    grouped = (
        _failures(row)
        .values("symbol_id", "symbol__ticker")
        .annotate(times=Sum("times"), first_at=Min("failed_at"), last_at=Max("failed_at"))
    )
    return [
        Failing(
            symbol_id=one["symbol_id"],
            ticker=one["symbol__ticker"],
            times=one["times"],
            first_at=one["first_at"],
            last_at=one["last_at"],
        )
        for one in grouped.order_by("symbol__ticker")
    ]


def _end(row: FailureIncident, now: datetime) -> bool:
    return outbox.incident_over(
        row,
        off=row.detector in detector_switches.off_now(),
        lasted=max(row.last_at - row.began_at, timedelta(0)),
        now=now,
    )
