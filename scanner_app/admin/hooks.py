"""Hooks of all users. They are made on the page of their owner; here they are looked at and removed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from scanner_app.admin.actions import WithOperatorActions
from scanner_app.admin.base import ReadOnlyAdmin, one_line, time_column
from scanner_app.domain.wording import counted
from scanner_app.feeds.hooks import store
from scanner_app.models import Hook


@admin.register(Hook)
class HookAdmin(WithOperatorActions, ReadOnlyAdmin):
    """The list of hooks, without their addresses, which nobody can see again."""

    list_display = (
        "name",
        "user",
        "hint",
        time_column("created_at", "Made"),
        time_column("last_used_at", "Last message"),
        "refused",
        time_column("last_error_at", "Refused"),
    )
    list_select_related = ("user",)
    ordering = ("-id",)
    actions = ("remove",)
    fields = (
        "name",
        "user",
        "mapping",
        "tickers",
        "hint",
        time_column("created_at", "Made"),
        time_column("last_used_at", "Last message"),
        "last_error",
        time_column("last_error_at", "Refused"),
    )

    @admin.display(description="Why a message was refused last")
    def refused(self, row: Hook) -> Any:
        """The beginning of the last error."""
        return one_line(row.last_error)

    @admin.action(description="Remove: their addresses take nothing any more", permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Hook]) -> None:
        """Remove each."""
        hooks = list(queryset.select_related("user"))
        for hook in hooks:
            store.remove(hook)
        self.message_user(request, f"Removed {counted(len(hooks), 'hook')}.", messages.SUCCESS)
