"""Drills of the alarm path, with what each step has shown."""

import json
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from scanner_app.admin.base import CappedPaginator, ReadOnlyAdmin, badge, one_line, preformatted, time_column
from scanner_app.models import Drill

BEGAN = time_column("began_at", "Began")
ENDED = time_column("ended_at", "Ended")


@admin.register(Drill)
class DrillAdmin(ReadOnlyAdmin):
    """The drills, newest first."""

    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ()
    list_display = (BEGAN, ENDED, "verdict", "failed_step", "why", "actor", "scheduled")
    list_display_links = (BEGAN,)
    fields = readonly_fields = (
        BEGAN,
        ENDED,
        "verdict",
        "failed_step",
        "detail",
        "each_step",
        "actor",
        "scheduled",
    )

    @admin.display(description="Alarm path")
    def verdict(self, row: Drill) -> SafeString:
        """What the drill has shown, in one word."""
        return badge("running" if row.ended_at is None else "proven" if row.proven else "failed")

    @admin.display(description="What failed")
    def why(self, row: Drill) -> Any:
        """The beginning of it."""
        return one_line(row.detail)

    @admin.display(description="Steps")
    def each_step(self, row: Drill) -> SafeString | str:
        """Each step with its time and what it has shown."""
        return preformatted(json.dumps(row.steps, indent=2) if row.steps else "")
