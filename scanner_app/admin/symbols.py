"""The symbols with their state, and the operators' actions on them."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from scanner_app.admin import explained
from scanner_app.admin.base import EMPTY, ReadOnlyAdmin, badge, one_line, preformatted, utc
from scanner_app.admin.links import chart_url, link, list_url, row_of_links, row_url, task_url
from scanner_app.admin.symbol_actions import SymbolActions
from scanner_app.admin.symbol_filters import BreakerFilter, ErrorFilter, StateFilter
from scanner_app.domain.enums import BarStatus, Lane, Stage
from scanner_app.mailbox.heads import message_of
from scanner_app.models import Alert, Bar, Notification, ProcessingFailure, QuarantinedBar, Signal, Symbol, SymbolEvent
from scanner_app.reading import symbol_status

RECORDS = (Bar, Signal, ProcessingFailure, QuarantinedBar, Alert, SymbolEvent, Notification)
"""Lists that a symbol's page links to."""


STAGES = {
    Stage.RUN: "run",
    Stage.CONTROL: "control: its retries are used up; a run on the last good bar decides whether the bar is at fault",
    Stage.HOLD: "hold: the bar is not at fault; it is probed again and again until it succeeds, or until reset or skip",
}
"""What the head is waiting for, in words."""


def _summary(symbol: Symbol) -> symbol_status.SymbolSummary:
    return symbol_status.summary(symbol, timezone.now())


@admin.register(Symbol)
class SymbolAdmin(SymbolActions, ReadOnlyAdmin):
    """The list of symbols, and a symbol's own page in the admin."""

    list_display = (
        "ticker",
        "chart",
        "state",
        "breaker_state",
        "failures_in_a_row",
        "backlog",
        "average",
        "p95",
        "last_processed",
        "next_attempt",
        "last_error",
    )
    list_display_links = ("ticker",)
    list_filter = (StateFilter, ErrorFilter, BreakerFilter, "enabled")
    list_per_page = 100
    show_facets = admin.ShowFacets.ALWAYS  # a few thousand rows at most
    search_fields = ("ticker__istartswith",)  # shows the box; what it does is below
    search_help_text = "A ticker's beginning"
    ordering = ("ticker",)
    fieldsets = (
        ("Why", {"fields": ("explanation",)}),
        (None, {"fields": ("look_at", "state", "breaker_state", "failures_in_a_row", "enabled")}),
        ("The bar in flight", {"fields": ("head", "attempts", "stage", "next_attempt")}),
        (
            "Progress",
            {
                "fields": (
                    "backlog",
                    "bars_processed",
                    "last_bar",
                    "last_processed",
                    "lane",
                    "average",
                    "p95",
                    "p95_limit",
                )
            },
        ),
        ("Feed", {"fields": ("feed", "calendar_name", "gaps")}),
        ("Trouble", {"fields": ("whole_error",)}),
        ("Timeline", {"fields": ("newest_lines",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Symbol]:  # noqa: ARG002
        """The symbols, in one query; symbols being deleted are hidden."""
        return symbol_status.shown_symbols().order_by("ticker")

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Symbol],
        search_term: str,
    ) -> tuple[QuerySet[Symbol], bool]:
        """By a ticker's beginning as it stands: Django would search for each word, and a ticker may have spaces."""
        return queryset.filter(ticker__istartswith=search_term.strip()), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With a form of the actions that the user may do. The form is sent to the list, which does the action."""
        choices = [(choice[1], choice[2]) for choice in self.get_actions(request).values() if choice]
        return super().change_view(request, object_id, form_url, {"choices": choices, **(extra_context or {})})

    @admin.display(description="In words")
    def explanation(self, symbol: Symbol) -> SafeString:
        """Why the symbol is in its state, what happens next, and what can be done."""
        return explained.explanation(symbol, timezone.now())

    @admin.display(description=f"Newest {explained.NEWEST}")
    def newest_lines(self, symbol: Symbol) -> SafeString:
        """The newest lines of its timeline."""
        return explained.newest_lines(symbol)

    @admin.display(description="State")
    def state(self, symbol: Symbol) -> SafeString:
        """processing, paused or failed; and what else is out of the ordinary."""
        summary = _summary(symbol)
        words = [summary.state.value]
        words += ["disabled"] if not summary.enabled else []
        words += ["stale"] if summary.is_stale else []
        words += ["slow lane"] if summary.lane == Lane.SLOW else []
        return format_html_join(" ", "{}", ((badge(word),) for word in words))

    @admin.display(description="Chart")
    def chart(self, symbol: Symbol) -> SafeString | str:
        """The symbol's own page: chart, explanation, timeline."""
        url = chart_url(symbol.ticker)
        return link(url, "chart") if url else EMPTY

    @admin.display(description="Breaker", ordering="breaker__opened_at")
    def breaker_state(self, symbol: Symbol) -> SafeString:
        """closed, open or half_open."""
        return badge(_summary(symbol).circuit_state)

    @admin.display(description="Failures", ordering="breaker__failures")
    def failures_in_a_row(self, symbol: Symbol) -> SafeString | str:
        """Failures of any of its bars since the last success, with a link to them."""
        failures = _summary(symbol).consecutive_failures
        return link(list_url(ProcessingFailure, q=symbol.ticker) if failures else None, failures)

    @admin.display(description="Backlog", ordering=F("status__last_sequence") - F("status__cursor"))
    def backlog(self, symbol: Symbol) -> SafeString | str:
        """Bars that are not finished, the head included, with a link to them."""
        backlog = _summary(symbol).backlog
        url = list_url(Bar, q=symbol.ticker, status=BarStatus.WAITING) if backlog else None
        return link(url, f"{backlog:,}")

    @admin.display(description="Avg", ordering="status__avg_latency_ms")
    def average(self, symbol: Symbol) -> str:
        """Of the last 100 bars that count; a dash without any."""
        average = _summary(symbol).avg_latency_ms
        return f"{average:,.0f} ms" if average else EMPTY

    @admin.display(description="p95", ordering="status__p95_latency_ms")
    def p95(self, symbol: Symbol) -> str:
        """Of the last 100 bars that count; a dash without any."""
        p95 = _summary(symbol).p95_latency_ms
        return f"{p95:,} ms" if p95 else EMPTY

    @admin.display(description="Bars processed")
    def bars_processed(self, symbol: Symbol) -> str:
        """Since the symbol was added."""
        return f"{_summary(symbol).bars_processed:,}"

    @admin.display(description="Last processed (UTC)", ordering="status__last_processed_at")
    def last_processed(self, symbol: Symbol) -> str:
        """When the last bar was done."""
        return utc(_summary(symbol).last_processed)

    @admin.display(description="Last bar (UTC)")
    def last_bar(self, symbol: Symbol) -> str:
        """Opening of the bar processed last."""
        return utc(_summary(symbol).last_bar_time)

    @admin.display(description="Newest data")
    def feed(self, symbol: Symbol) -> str:
        """How old the newest bar is, and whether the next one is late."""
        summary = _summary(symbol)
        if summary.data_age_seconds is None:
            return "no bar yet"
        age = f"{_duration(summary.data_age_seconds)} old"
        return f"{age}; stale for {_duration(summary.stale_for_s)} of trading" if summary.is_stale else age

    @admin.display(description="Trading calendar")
    def calendar_name(self, symbol: Symbol) -> str:
        """The calendar in whose trading time lateness and gaps are counted."""
        return f"{_summary(symbol).calendar} ({'its own' if symbol.calendar else 'by SCANNER_CALENDARS'})"

    @admin.display(description="Gaps")
    def gaps(self, symbol: Symbol) -> str:
        """Inside its series, as last counted."""
        return f"{_summary(symbol).gaps:,}"

    @admin.display(description="Next attempt (UTC)", ordering="status__next_attempt_at")
    def next_attempt(self, symbol: Symbol) -> str:
        """When the head will really run, if it has to wait."""
        return utc(_summary(symbol).next_attempt_at)

    @admin.display(description="Failed attempts")
    def attempts(self, symbol: Symbol) -> int:
        """How many attempts of the head have failed."""
        return symbol.status.attempts

    @admin.display(description="Stage")
    def stage(self, symbol: Symbol) -> str:
        """What the head is waiting for."""
        return STAGES[Stage(symbol.status.stage)]

    @admin.display(description="Lane")
    def lane(self, symbol: Symbol) -> str:
        """Which worker takes its bars."""
        return _summary(symbol).lane

    @admin.display(description="Last error")
    def last_error(self, symbol: Symbol) -> str | SafeString:
        """One line of it; the whole on hovering and on the symbol's page."""
        return one_line(_summary(symbol).last_error)

    @admin.display(description="Last error")
    def whole_error(self, symbol: Symbol) -> str | SafeString:
        """The whole last error."""
        return preformatted(_summary(symbol).last_error)

    @admin.display(description="Look at")
    def look_at(self, symbol: Symbol) -> SafeString:
        """Links to the symbol's chart and to its rows in the other lists."""
        lists = [
            (list_url(model, q=symbol.ticker), str(model._meta.verbose_name_plural))  # noqa: SLF001
            for model in RECORDS
        ]
        return row_of_links([(chart_url(symbol.ticker), "Chart"), *lists])

    @admin.display(description="Bar")
    def head(self, symbol: Symbol) -> SafeString | str:
        """Links to the head and to its task in Flower."""
        row = symbol.status
        bar = None if row.head is None else Bar.objects.filter(symbol=symbol, sequence=row.head).first()
        if bar is None:
            return EMPTY
        return row_of_links([(row_url(bar, bar.pk), str(bar)), (task_url(message_of(row).task_id), "Task in Flower")])

    @admin.display(description="Slow above")
    def p95_limit(self, symbol: Symbol) -> str:
        """The p95 over which it is slow."""
        return f"{_summary(symbol).p95_limit_ms:,} ms ({'by the settings' if symbol.p95_ms is None else 'its own'})"


def _duration(seconds: float) -> str:
    """A time in whole seconds: 3 days, 4:05:06."""
    return str(timedelta(seconds=int(seconds)))
