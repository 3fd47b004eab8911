"""The detectors as people see them: which run, which are off and why, and what they still have to make up for."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from scanner_app.detectors.versions import version_of
from scanner_app.domain.enums import BarStatus, DetectorState
from scanner_app.domain.errors import ScannerError
from scanner_app.engine import detection
from scanner_app.models import Bar, DetectorSwitch, ProcessingFailure, Rerun


class DetectorNotFound(ScannerError):
    """No detector of SCANNER_DETECTORS has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Detector {name} not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorNow:
    """One detector of SCANNER_DETECTORS. The names are the API's."""

    id: str  # its name, which no other has
    name: str
    version: str
    state: str
    failures: int  # that are kept
    missing_bars: int  # completed without it, and not made up for yet
    changed_at: datetime | None  # when it was switched last; None: never
    by: str | None
    reason: str | None
    probe_at: datetime | None  # when it is tried next; None: not by itself


def of_all() -> list[DetectorNow]:
    """The detectors in their order. Three queries."""
    switches = {row.name: row for row in DetectorSwitch.objects.all()}
    failures = _failures()
    missing = _missing_bars()
    return [
        _of(one.name, version_of(one), switches.get(one.name), failures[one.name], missing[one.name])
        for one in detection.chosen()
    ]


def get(name: str) -> DetectorNow:
    """The detector with this name. Raises DetectorNotFound."""
    found = next((one for one in of_all() if one.name == name), None)
    if found is None:
        raise DetectorNotFound(name)
    return found


def _of(name: str, version: str, switch: DetectorSwitch | None, failures: int, missing: int) -> DetectorNow:
    state = DetectorState.ON if switch is None else DetectorState(switch.state)
    return DetectorNow(
        id=name,
        name=name,
        version=version,
        state=state,
        failures=failures,
        missing_bars=missing,
        changed_at=switch.changed_at if switch is not None and switch.by else None,
        by=(switch and switch.by) or None,
        reason=(switch and switch.reason) or None,
        # Of a probe that is running this is when it is given up: nothing for people.
        probe_at=switch.probe_at if switch is not None and state == DetectorState.OFF else None,
    )


def _failures() -> Counter[str]:
    groups = ProcessingFailure.objects.exclude(detector=None).values("detector").annotate(count=Sum("times"))
    return Counter({row["detector"] or "": row["count"] for row in groups})


def _missing_bars() -> Counter[str]:
    """By detector, the bars of its spans. Between two bars that it missed there may be some that it has seen."""
    left = Bar.objects.filter(
        symbol_id=OuterRef("symbol_id"),
        timeframe=OuterRef("timeframe"),
        status=BarStatus.PROCESSED,
        timestamp__gte=Coalesce(OuterRef("next_bar_at"), OuterRef("first")),
        timestamp__lte=OuterRef("last"),
    )
    counted = left.order_by().annotate(one=F("symbol_id")).values("one").annotate(bars=Count("id")).values("bars")
    spans = Rerun.objects.exclude(detector="").filter(symbol__deleted_at=None).annotate(bars=Subquery(counted))
    missing: Counter[str] = Counter()
    for detector, bars in spans.values_list("detector", "bars"):
        missing[detector] += bars or 0
    return missing
