"""Links between the pages: to a row, a list, a symbol's chart, and to Flower's pages of a task or worker."""

from typing import Any
from urllib.parse import quote, urlencode

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from scanner_app.admin.base import EMPTY, Column, utc
from scanner_app.models import Bar, Symbol, SymbolEvent


def row_url(model: type[Model] | Model, pk: object) -> str:
    """The address of a row's page."""
    return reverse(f"admin:scanner_app_{model._meta.model_name}_change", args=[pk])  # noqa: SLF001 - public by use


def list_url(model: type[Model], **query: object) -> str:
    """The address of a list, with a search or filter if `query` has one."""
    address = reverse(f"admin:scanner_app_{model._meta.model_name}_changelist")  # noqa: SLF001 - public by use
    return f"{address}?{urlencode(query)}" if query else address


def chart_url(ticker: str) -> str | None:
    """The address of the symbol's live page, which has the chart; None if no address can contain the ticker."""
    try:
        return reverse("symbol", args=[ticker])
    except NoReverseMatch:
        return None


def flower_url(path: str) -> str:
    """The address of a page of Flower, through our own /flower/, which knows the host that the browser uses."""
    return reverse("flower") + quote(path)


def task_url(task_id: str) -> str:
    """A task's page in Flower."""
    return flower_url("task/" + task_id)


def worker_url(name: str) -> str:
    """A worker's page in Flower."""
    return flower_url("worker/" + name)


def page_url(bar_id: int) -> str:
    """The page of a bar, outside of the admin."""
    return reverse("bar", args=[bar_id])


def link(url: str | None, text: object) -> SafeString | str:
    """A link; without an address the text alone."""
    return format_html('<a href="{}">{}</a>', url, text) if url else str(text)


def row_of_links(links: list[tuple[str | None, str]]) -> SafeString:
    """Links in one line. Those without an address are left out."""
    return format_html_join(" · ", '<a href="{}">{}</a>', ((url, text) for url, text in links if url))


def symbol_column() -> Column:
    """A list's column with the row's symbol, as a link to the symbol's page."""

    @admin.display(description="Symbol")
    def column(row: Any) -> SafeString | str:
        return EMPTY if row.symbol is None else link(row_url(Symbol, row.symbol_id), row.symbol.ticker)

    column.__name__ = "symbol"
    return column


def bar_column(title: str = "Bar") -> Column:
    """A list's column with the time of the row's bar, as a link to the bar. No query: the rows have the time."""

    @admin.display(description=f"{title} (UTC)")
    def column(row: Any) -> SafeString | str:
        return EMPTY if row.bar_id is None else link(row_url(Bar, row.bar_id), utc(row.timestamp))

    column.__name__ = "bar"
    return column


class WithLinks:
    """Rows whose page links to the bar's page, and to the symbol's chart and events."""

    @admin.display(description="Look at")
    def look_at(self, row: Any) -> SafeString:
        """Links to the bar's page, the symbol's chart and its events."""
        ticker = row.symbol.ticker
        return row_of_links(
            [
                (page_url(row.bar_id), "Page of the bar"),
                (chart_url(ticker), "Chart"),
                (list_url(SymbolEvent, q=ticker), "Events of the symbol"),
            ]
        )
