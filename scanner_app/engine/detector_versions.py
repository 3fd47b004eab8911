"""Tell the timelines when a detector has another version than before: its signals may differ from then on.

Looked at once by each process of the worker of the re-runs, which a new version of the code restarts like the others.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from django.db.models import Min

from scanner_app.detectors.versions import version_of
from scanner_app.domain.enums import EventKind
from scanner_app.engine import detection
from scanner_app.mailbox.events import add_to_all
from scanner_app.models import Signal, SymbolEvent

log = structlog.get_logger(__name__)

LOOK_BACK = 100_000
"""Newest signals, and newest events, among which the version before is looked for: without an index, it takes some
tenths of a second."""

_noted = False  # in this process


def note(now: datetime) -> None:
    """Tell what has changed since it was told last, or since the last signal. Once a process."""
    global _noted  # noqa: PLW0603 - see above
    if not _noted:
        note_changes(now)
        _noted = True


def note_changes(now: datetime) -> dict[str, tuple[str, str]]:
    """The same, also a second time; returns the version before and the one of now, by detector.

    A detector whose version, or that of its signals, is not known is left out, and so is one without signals.
    """
    versions = {one.name: version_of(one) for one in detection.chosen()}
    before = _before(versions)
    changed = {
        name: (before[name], version)
        for name, version in versions.items()
        if version and before.get(name) and before[name] != version
    }
    if changed:
        told = [f"the detector {name} has version {new}, before {old}" for name, (old, new) in changed.items()]
        detail = {
            "before": {name: old for name, (old, _) in changed.items()},
            "after": {name: new for name, (_, new) in changed.items()},
        }
        log.info("detectors_changed", **detail)
        add_to_all(EventKind.VERSION, now, reason=", ".join(told), detail=detail)
    return changed


def _before(names: Iterable[str]) -> dict[str, str]:
    """By detector, the version that was told last; else that of its newest signal."""
    newest = SymbolEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    told = SymbolEvent.objects.filter(kind=EventKind.VERSION, id__gt=newest - LOOK_BACK)
    found: dict[str, str] = {}
    for first in told.values("at").annotate(first=Min("id")).order_by("at"):  # one change is an event of each symbol
        found |= (SymbolEvent.objects.get(pk=first["first"]).detail or {}).get("after", {})
    newest = Signal.objects.order_by("-id").values_list("id", flat=True).first() or 0
    for name in set(names) - found.keys():
        signals = Signal.objects.filter(detector=name, id__gt=newest - LOOK_BACK).order_by("-id")
        if version := signals.values_list("detector_version", flat=True).first():
            found[name] = version
    return found
