"""Failures by their kind: detector, type and place of the error."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db.models import Count, Max, Min, Sum

from scanner_app.domain.incidents import KIND
from scanner_app.models import ProcessingFailure

MOST = 500
"""Kinds that are shown, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """The kept failures of one kind. The names are the API's."""

    id: str  # of its kind, always the same
    detector: str | None  # None: of no detector, or not known
    error_type: str
    place: str | None  # module, line and function; None: not known
    symbols: int
    times: int
    first_at: datetime
    last_at: datetime
    version: str | None  # of the detector at the first failure; None: not known
    worker_since: datetime | None  # when the worker of the first failure had started; None: not known


def of_all(detector: str = "") -> list[FailureGroup]:
    """The kinds, the latest failure first; `detector`: only this one's. Two queries."""
    failures = ProcessingFailure.objects.filter(symbol__deleted_at=None)
    if detector:
        failures = failures.filter(detector=detector)
    groups = failures.values(*KIND).annotate(
        symbols=Count("symbol", distinct=True), times=Sum("times"), first_at=Min("failed_at"), last_at=Max("failed_at")
    )
    rows = list(groups.order_by("-last_at", *KIND)[:MOST])
    origins = _origins([row["first_at"] for row in rows])
    return [_group(row, origins) for row in rows]


NO_ORIGIN: dict[str, object] = {"version": None, "worker_since": None}


def _group(row: dict[str, Any], origins: dict[tuple[object, ...], dict[str, object]]) -> FailureGroup:
    kind = [row[name] for name in KIND]
    key = blake2b(repr(kind).encode(), digest_size=8).hexdigest()
    origin: dict[str, Any] = origins.get((*kind, row["first_at"]), NO_ORIGIN)
    return FailureGroup(id=key, **row, **origin)


def _origins(times: list[datetime]) -> dict[tuple[object, ...], dict[str, object]]:
    """What each kind began with, by kind and time of its first failure."""
    fields = (*KIND, "failed_at", "detector_version", "worker_since")
    first = ProcessingFailure.objects.filter(failed_at__in=times).order_by("-id").values_list(*fields)
    return {(*kind, at): {"version": version, "worker_since": since} for *kind, at, version, since in first}
