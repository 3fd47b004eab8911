"""Unexpected errors of the web, of tasks and of programs, the newest first."""

from typing import Any

from django.contrib import admin

from scanner_app.admin.base import ReadOnlyAdmin, badge_column, number_column, one_line, time_column
from scanner_app.models import UnexpectedError

LAST = time_column("last_at", "Last")


@admin.register(UnexpectedError)
class UnexpectedErrorAdmin(ReadOnlyAdmin):
    """One row for each program, task or address that ever failed: its newest series. There are some dozens at most."""

    ordering = ("-last_at",)
    sortable_by = ()
    list_display = (
        LAST,
        badge_column("source", "Source"),
        "name",
        number_column("count", "Times"),
        time_column("began_at", "Since"),
        "first_line",
    )
    list_display_links = (LAST,)
    fields = readonly_fields = (
        badge_column("source", "Source"),
        "name",
        number_column("count", "Times"),
        time_column("began_at", "Since"),
        LAST,
        "error",
    )

    @admin.display(description="Last error")
    def first_line(self, row: UnexpectedError) -> Any:
        """The beginning of it."""
        return one_line(row.error)
