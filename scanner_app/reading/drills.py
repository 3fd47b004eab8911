"""What the drills of the alarm path have shown."""

from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from scanner_app.domain import drill
from scanner_app.domain.drill import AlarmPath
from scanner_app.models import Drill


def alarm_path(now: datetime) -> AlarmPath:
    """The last drill without a failed step, and the last one if it failed, with a sentence of now. One query."""
    path = _alarm_path()
    return replace(path, said=drill.said(path, now))


def _alarm_path() -> AlarmPath:
    ended = Drill.objects.exclude(ended_at=None).order_by("-id")
    shown = Q(pk__in=ended.values("pk")[:1]) | Q(pk__in=ended.filter(proven=True).values("pk")[:1])
    rows = list(Drill.objects.filter(shown).order_by("-id"))
    proven_at = next((one.ended_at for one in rows if one.proven), None)
    if not rows or rows[0].proven:
        return AlarmPath(proven_at=proven_at)
    last = rows[0]
    return AlarmPath(proven_at=proven_at, failed_at=last.ended_at, failed_step=last.failed_step, detail=last.detail)
