"""What all pages of the admin share: nothing can be changed, and no query grows with the table."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Max, Model, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from scanner_app.access.roles import May
from scanner_app.models import Symbol
from scanner_app.reading import symbols

LISTED = 10_000
"""Rows of a big table that can be paged through, newest first. PostgreSQL counts so many in some
milliseconds, a table of millions in seconds; whoever needs older rows searches for their symbol."""

FILTERED = 100_000
"""Newest rows that a filter without an index looks at, for the same reason."""

EMPTY = "\N{EN DASH}"

Column = Any
"""A list's column as a function of the row. Django takes one wherever it takes a field's name; its stubs
know of names alone, hence Any."""

TONES = {
    "processing": "good",
    "paused": "warn",
    "failed": "bad",
    "half_open": "warn",
    "open": "bad",
    "processed": "good",
    "waiting": "calm",
    "quarantined": "bad",
    "discarded": "calm",
    "opened": "bad",
    "reopened": "bad",
    "recovered": "good",
    "sent": "good",
    "pending": "warn",
    "held": "warn",
    "control": "warn",
    "skipped": "warn",
    "error": "bad",
    "warning": "warn",
    "firing": "bad",
    "recovering": "warn",
    "resolved": "good",
    "fired": "bad",
    "renewed": "bad",
    "cleared": "good",
    "bullish": "good",
    "bearish": "bad",
    "in quarantine": "bad",
    "slow lane": "warn",
    "stale": "warn",
    "healthy": "good",
    "degraded": "warn",
    "unhealthy": "bad",
    "deaf": "bad",
    "missing": "bad",
}
"""The colour of a badge by its word; the word is always there too."""


def badge(word: str) -> SafeString:
    """A state as a coloured word, readable without the colour too."""
    return format_html(
        '<span class="badge badge-{}">{}</span>', TONES.get(word, "calm"), word.replace("_", "-") or EMPTY
    )


def utc(moment: datetime | None) -> str:
    """A time as traders read it: ISO, UTC, to the second."""
    return EMPTY if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def time_column(field: str, title: str) -> Column:
    """A list's column that shows the time `field` in UTC."""

    @admin.display(description=f"{title} (UTC)", ordering=field)
    def column(row: Any) -> str:
        return utc(getattr(row, field))

    column.__name__ = field
    return column


def badge_column(field: str, title: str) -> Column:
    """A list's column that shows the word `field` as a badge."""

    @admin.display(description=title, ordering=field)
    def column(row: Any) -> SafeString:
        return badge(getattr(row, field))

    column.__name__ = field
    return column


def mark_column(field: str) -> Column:
    """A list's column that shows the word `field` where it holds, and nothing where it doesn't."""

    @admin.display(description=field)
    def column(row: Any) -> SafeString | str:
        return badge(field) if getattr(row, field) else ""

    column.__name__ = field
    return column


def number_column(field: str, title: str) -> Column:
    """A list's column that shows the number `field` with its decimals, never as 8.8e+08."""

    @admin.display(description=title)
    def column(row: Any) -> str:
        value = getattr(row, field)
        return EMPTY if value is None else f"{value:,.6f}".rstrip("0").rstrip(".")

    column.__name__ = field
    return column


def one_line(text: str | None) -> SafeString | str:
    """The beginning of a text for a cell of a list, with more of it on hovering."""
    return format_html('<span class="one-line" title="{}">{}</span>', text[:500], text[:120]) if text else EMPTY


def as_it_is(text: str | None) -> SafeString | str:
    """A text with its lines, for a row's own page."""
    return format_html('<pre class="traceback">{}</pre>', text) if text else EMPTY


class CappedPaginator(Paginator[Any]):
    """Pages through the first LISTED rows, so that it never counts a whole table."""

    @cached_property
    def count(self) -> int:
        """Rows that can be paged through: at most LISTED."""
        return cast("QuerySet[Any]", self.object_list)[:LISTED].count()

    @property
    def capped(self) -> bool:
        """Whether there may be more rows than can be paged through; the page says so."""
        return self.count >= LISTED


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Nothing can be added, edited or deleted; everybody who may enter the admin may read."""

    show_full_result_count = False  # it would count the whole table
    list_per_page = 50
    empty_value_display = EMPTY

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Headed by what it lists, not by "Select … to view"."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Headed by what it is, not by "View …"."""
        title = capfirst(str(self.opts.verbose_name))
        return super().change_view(request, object_id, form_url, {"title": title, **(extra_context or {})})

    class Media:
        css = {"all": ["scanner_app/admin.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everything of the scanner or nothing."""
        return May(request.user).enter_admin

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """As above."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody: rows come from ingest and the mailbox."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody: a symbol's state changes in the mailbox alone."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody: the log of bars has no gaps."""
        return False


class NewestFirst(ChangeList):
    """A list in the one order that needs no sorting, also if its address asks for another."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:  # noqa: ARG002
        """By the primary key, newest first."""
        return ["-id"]


class RecordAdmin(ReadOnlyAdmin):
    """A list that may have millions of rows: newest first, searched by ticker, never sorted or counted whole."""

    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER  # they would count the whole table, once for each choice
    list_select_related: ClassVar[tuple[str, ...]] = ("symbol",)
    search_fields = ("symbol__ticker",)  # shows the box; what it does is below
    search_help_text = "A symbol's ticker, whole"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """All rows but those of symbols that are being deleted.

        By a sub-select: a condition on a join would let the database begin with the symbols, and then sort.
        """
        return super().get_queryset(request).exclude(symbol__in=Symbol.objects.filter(deleted_at__isnull=False))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        """The list in its one order."""
        return NewestFirst

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """The rows of one symbol.

        By its id, looked up first: (symbol, id) is an index of each of these tables, and a prefix of
        tickers or a join would have the database sort all rows of many symbols.
        """
        if not search_term.strip():
            return queryset, False
        symbol = symbols.find(search_term.strip(), among=Symbol.objects.all())
        return (queryset.none() if symbol is None else queryset.filter(symbol_id=symbol.pk)), False


class NewestFilter(admin.SimpleListFilter):
    """A filter on a field without an index: it looks at the newest FILTERED rows, not at the whole table."""

    field: ClassVar[str]
    words: ClassVar[dict[str, str]]  # {word to choose: value in the table}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The words to choose from."""
        return [(word, word) for word in self.words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The newest rows that have the chosen word."""
        if (word := self.value()) not in self.words:
            return queryset
        newest = queryset.model._default_manager.aggregate(newest=Max("id"))["newest"] or 0  # noqa: SLF001
        return queryset.filter(id__gt=newest - FILTERED, **{self.field: self.words[word]})


def newest_filter(field: str, words: Iterable[str], **more: str) -> type[NewestFilter]:
    """The filter of `field`, which has one of `words`; `more` are words for other values."""
    attributes = {
        "title": field,
        "parameter_name": field,
        "field": field,
        "words": {word.replace("_", " "): value for word, value in more.items()} | {word: word for word in words},
    }
    return type(f"{field.title()}Filter", (NewestFilter,), attributes)


class Traced(RecordAdmin):
    """Rows with a traceback, which is shown as it is."""

    @admin.display(description="Message")
    def first_line(self, row: Any) -> SafeString | str:
        """One line of the message; the whole on hovering and on the row's page."""
        return one_line(row.message)

    @admin.display(description="Message")
    def whole_message(self, row: Any) -> SafeString | str:
        """The whole message, with its lines."""
        return as_it_is(row.message)

    @admin.display(description="Traceback")
    def whole_traceback(self, row: Any) -> SafeString | str:
        """The traceback as Python writes it."""
        return as_it_is(row.traceback)
