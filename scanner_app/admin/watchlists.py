"""Watch lists of all users: to look at."""

from django.contrib import admin

from scanner_app.admin.base import ReadOnlyAdmin, time_column
from scanner_app.models import WatchList


@admin.register(WatchList)
class WatchListAdmin(ReadOnlyAdmin):
    """The lists. Their owners make and change them, by the API."""

    list_display = ("name", "owner", "shared", "entries", time_column("created_at", "Made"))
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
    fields = ("name", "owner", "shared", "entries", time_column("created_at", "Made"))

    @admin.display(description="Symbols")
    def entries(self, row: WatchList) -> str:
        """Tickers and patterns, in the owner's order."""
        return ", ".join(row.symbols)
