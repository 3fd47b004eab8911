"""What all pages of the admin share: they are read-only, and no query takes longer as its table grows."""

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

MAX_LISTED = 10_000
"""Rows of a big table that can be paged through, newest first. To count so many takes PostgreSQL milliseconds, to count
millions takes seconds. Older rows are found by searching for their symbol."""

MAX_FILTERED = 100_000
"""How many of the newest rows a filter without an index looks at, for the same reason."""

EMPTY = "\N{EN DASH}"

Column = Any
"""A list's column as a function of the row. Django accepts one wherever it accepts a field's name, but its type stubs
allow only names: hence Any."""

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
    "given_up": "bad",
    "expired": "calm",
    "on": "good",
    "off": "calm",
    "probing": "warn",
    "returned": "bad",
    "incident": "bad",
    "held": "warn",
    "in force": "warn",
    "slow": "warn",
    "quarantine": "warn",
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
    "proven": "good",
    "missing": "bad",
    "live": "good",
    "catching_up": "warn",
    "silent": "warn",
    "down": "bad",
    "refilled": "good",
    "empty": "calm",
}
"""The colour of a badge, by its word. The badge always shows the word too."""


def badge(word: str) -> SafeString:
    """A state as a coloured word."""
    return format_html(
        '<span class="badge badge-{}">{}</span>', TONES.get(word, "calm"), word.replace("_", "-") or EMPTY
    )


def utc(moment: datetime | None) -> str:
    """A time in UTC to the second: 2024-05-31 14:30:00."""
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
    """A list's column that shows the field's name as a badge where the field is true, and nothing where it is false."""

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
    """The first 120 characters of a text, for a list. More of it is shown on hovering."""
    return format_html('<span class="one-line" title="{}">{}</span>', text[:500], text[:120]) if text else EMPTY


def preformatted(text: str | None) -> SafeString | str:
    """A whole text with its line breaks, for a row's own page."""
    return format_html('<pre class="traceback">{}</pre>', text) if text else EMPTY


class CappedPaginator(Paginator[Any]):
    """Pages through the first MAX_LISTED rows, so that it never counts a whole table."""

    @cached_property
    def count(self) -> int:
        """Rows that can be paged through: at most MAX_LISTED."""
        return cast("QuerySet[Any]", self.object_list)[:MAX_LISTED].count()

    @property
    def capped(self) -> bool:
        """Whether there may be more rows than can be paged through; the page says so."""
        return self.count >= MAX_LISTED


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Pages on which nothing can be added, edited or deleted. Every user of the admin may read them."""

    show_full_result_count = False  # it would count the whole table
    list_per_page = 50
    empty_value_display = EMPTY

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, headed by what it lists instead of "Select … to view"."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A row's page, headed by what it is instead of "View …"."""
        title = capfirst(str(self.opts.verbose_name))
        return super().change_view(request, object_id, form_url, {"title": title, **(extra_context or {})})

    class Media:
        css = {"all": ["scanner_app/admin.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """A user may see either all of the scanner's pages or none."""
        return May(request.user).enter_admin

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """As above."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody: rows come from ingest and the mailbox."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody: only the mailbox changes a symbol's state."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody: a missing bar would break its symbol's sequence."""
        return False


class NewestFirst(ChangeList):
    """A list that is always newest first, which needs no sorting, even if its address asks for another order."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:  # noqa: ARG002
        """By the primary key, newest first."""
        return ["-id"]


class RecordAdmin(ReadOnlyAdmin):
    """A list that may have millions of rows: newest first, searched by ticker, never sorted or counted as a whole."""

    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER  # they would count the whole table, once for each choice
    list_select_related: ClassVar[tuple[str, ...]] = ("symbol",)
    symbol_path: ClassVar[str] = "symbol"
    """From a row to its symbol, as queries have it."""
    search_fields = ("symbol__ticker",)  # shows the search box; get_search_results() does the search
    search_help_text = "A whole ticker"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """All rows except those of symbols that are being deleted.

        By a sub-select: with a condition on a join the database might begin with the symbols, and then sort the rows.
        """
        deleted = Symbol.objects.filter(deleted_at__isnull=False)
        return super().get_queryset(request).exclude(**{f"{self.symbol_path}__in": deleted})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        """The list that is always newest first."""
        return NewestFirst

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """The rows of one symbol.

        The symbol's id is looked up first, since each of these tables has an index on (symbol, id). With a join or a
        ticker's prefix the database would sort all rows of many symbols.
        """
        if not search_term.strip():
            return queryset, False
        symbol = symbols.find(search_term.strip(), among=Symbol.objects.all())
        return (queryset.none() if symbol is None else queryset.filter(**{f"{self.symbol_path}_id": symbol.pk})), False


class NewestFilter(admin.SimpleListFilter):
    """A filter on a field without an index: it looks at the newest MAX_FILTERED rows, not at the whole table."""

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
        return queryset.filter(id__gt=newest - MAX_FILTERED, **{self.field: self.words[word]})


def newest_filter(field: str, words: Iterable[str], **more: str) -> type[NewestFilter]:
    """The filter of `field`, whose value is one of `words`. `more`: further words, with the values they stand for."""
    attributes = {
        "title": field,
        "parameter_name": field,
        "field": field,
        "words": {word.replace("_", " "): value for word, value in more.items()} | {word: word for word in words},
    }
    return type(f"{field.title()}Filter", (NewestFilter,), attributes)


class WithTraceback(RecordAdmin):
    """Rows with an error's message and traceback."""

    @admin.display(description="Message")
    def first_line(self, row: Any) -> SafeString | str:
        """The beginning of the message; more is shown on hovering, all of it on the row's page."""
        return one_line(row.message)

    @admin.display(description="Message")
    def whole_message(self, row: Any) -> SafeString | str:
        """The whole message, with its line breaks."""
        return preformatted(row.message)

    @admin.display(description="Traceback")
    def whole_traceback(self, row: Any) -> SafeString | str:
        """The traceback as Python writes it."""
        return preformatted(row.traceback)
