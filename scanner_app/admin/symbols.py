"""The symbols with their state, and the operators' actions on them."""

from datetime import datetime, timedelta
from typing import Any, Protocol

from django.contrib import admin, messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from scanner_app import mailbox
from scanner_app.admin import explained
from scanner_app.admin.actions import WithOperatorActions, confirmed, named, reason_of, selected
from scanner_app.admin.base import EMPTY, ReadOnlyAdmin, badge, one_line, preformatted, utc
from scanner_app.admin.links import chart_url, link, list_url, row_of_links, row_url, task_url
from scanner_app.conf import breaker_rules
from scanner_app.domain import breaker, enums
from scanner_app.domain.enums import BarStatus, Lane, Stage
from scanner_app.domain.errors import BarsWaiting, NothingToSkip
from scanner_app.domain.wording import counted
from scanner_app.engine import removal
from scanner_app.mailbox.heads import message_of
from scanner_app.models import Alert, Bar, Notification, ProcessingFailure, QuarantinedBar, Signal, Symbol, SymbolEvent
from scanner_app.reading import symbol_status

RECORDS = (Bar, Signal, ProcessingFailure, QuarantinedBar, Alert, SymbolEvent, Notification)
"""Lists that a symbol's page links to."""


class Action(Protocol):
    """An operator's action, as a function of the mailbox."""

    def __call__(self, symbol: Symbol, *, by: str, now: datetime, reason: str = "") -> object: ...  # noqa: D102


STAGES = {
    Stage.RUN: "run",
    Stage.CONTROL: "control: its retries are used up; a run on the last good bar decides whether the bar is at fault",
    Stage.HOLD: "hold: the bar is not at fault; it is probed again and again until it succeeds, or until reset or skip",
}
"""What the head is waiting for, in words."""


class BreakerFilter(admin.SimpleListFilter):
    """Filter by the breaker's state, which follows from the time at which it opened."""

    title = "breaker"
    parameter_name = "breaker"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The three states."""
        return [(state.value, state.value.replace("_", "-")) for state in breaker.State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> QuerySet[Symbol]:  # noqa: ARG002
        """The symbols whose breaker is in the chosen state."""
        condition = _breaker_conditions(timezone.now()).get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


class StateFilter(admin.SimpleListFilter):
    """Filter by the symbol's state: the rules of `symbol_status.symbol_state`, as conditions of a query."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """The three states."""
        return [(state.value, state.value) for state in enums.SymbolState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> QuerySet[Symbol]:  # noqa: ARG002
        """The symbols that are in the chosen state."""
        circuit = _breaker_conditions(timezone.now())
        enabled = Q(enabled=True)
        match self.value():
            case enums.SymbolState.PROCESSING:
                return queryset.filter(enabled, circuit["closed"], status__attempts=0)
            case enums.SymbolState.PAUSED:
                waits = circuit["half_open"] | (circuit["closed"] & Q(status__attempts__gt=0))
                return queryset.filter(~enabled | waits)
            case enums.SymbolState.FAILED:
                return queryset.filter(enabled, circuit["open"])
            case _:
                return queryset


def _breaker_conditions(now: datetime) -> dict[str, Q]:
    half_open_since = now - breaker_rules().recovery
    return {
        "closed": Q(breaker__opened_at=None),
        "open": Q(breaker__opened_at__gt=half_open_since),
        "half_open": Q(breaker__opened_at__lte=half_open_since),
    }


def _summary(symbol: Symbol) -> symbol_status.SymbolSummary:
    return symbol_status.summary(symbol, timezone.now())


@admin.register(Symbol)
class SymbolAdmin(WithOperatorActions, ReadOnlyAdmin):
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
    list_filter = (StateFilter, BreakerFilter, "enabled")
    list_per_page = 100
    show_facets = admin.ShowFacets.ALWAYS  # a few thousand rows at most
    search_fields = ("ticker__istartswith",)  # shows the box; what it does is below
    search_help_text = "A ticker's beginning"
    ordering = ("ticker",)
    actions = ("reset", "skip", "disable", "enable", "delete")
    fieldsets = (
        ("Why", {"fields": ("explanation",)}),
        (None, {"fields": ("look_at", "state", "breaker_state", "failures_in_a_row", "enabled")}),
        ("The bar in flight", {"fields": ("head", "attempts", "stage", "next_attempt")}),
        ("Progress", {"fields": ("backlog", "bars_processed", "last_bar", "last_processed", "lane", "average", "p95")}),
        ("Feed", {"fields": ("feed", "calendar_name", "gaps")}),
        ("Trouble", {"fields": ("whole_error",)}),
        ("Timeline", {"fields": ("newest_lines",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Symbol]:  # noqa: ARG002
        """The watch list, in one query; symbols being deleted are hidden."""
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
        """Of the last 100 bars."""
        return f"{_summary(symbol).avg_latency_ms:,.0f} ms"

    @admin.display(description="p95", ordering="status__p95_latency_ms")
    def p95(self, symbol: Symbol) -> str:
        """Of the last 100 bars."""
        return f"{_summary(symbol).p95_latency_ms:,} ms"

    @admin.display(description="Bars processed")
    def bars_processed(self, symbol: Symbol) -> str:
        """Since the symbol came onto the watch list."""
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

    @admin.action(description="Reset: close the breaker, run the bar now", permissions=["operate"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> None:
        """Call `mailbox.reset` for each."""
        self._act(request, queryset, mailbox.reset, "Reset")

    @admin.action(description="Skip: put the waiting bar into quarantine", permissions=["operate"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> None:
        """Call `mailbox.skip` for each."""
        self._act(request, queryset, mailbox.skip, "Skipped the waiting bar of")

    @admin.action(description="Disable: bars are accepted, but wait", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> None:
        """Call `mailbox.disable` for each."""
        self._act(request, queryset, mailbox.disable, "Disabled")

    @admin.action(description="Enable: let waiting bars run", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> None:
        """Call `mailbox.enable` for each."""
        self._act(request, queryset, mailbox.enable, "Enabled")

    @admin.action(description="Delete: remove the symbol with all its rows", permissions=["operate"])
    def delete(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Call `removal.delete` for each, after the operator has confirmed the symbols and the waiting bars."""
        symbols = list(self.get_queryset(request) & selected(request, queryset))
        if confirmed(request):
            self._delete(request, symbols, force=request.POST.get("force") == "yes")
            return None
        waiting = sum(symbol.status.backlog for symbol in symbols)
        return self.confirmation_page(
            request,
            queryset,
            "delete",
            title=f"Delete {counted(len(symbols), 'symbol')}?",
            consequence="They are hidden at once; their bars, signals and events are removed in the background.",
            facts=[
                ("Symbols", named(symbol.ticker for symbol in symbols)),
                ("Bars that wait", _waiting(symbols)),
            ],
            force=f"Delete the {counted(waiting, 'waiting bar')} too" if waiting else "",
            button=f"Delete {counted(len(symbols), 'symbol')}",
        )

    def _delete(self, request: HttpRequest, symbols: list[Symbol], *, force: bool) -> None:
        deleted, refused = [], []
        by, reason = request.user.get_username(), reason_of(request)
        for symbol in symbols:  # one transaction per symbol, never one for all
            try:
                removal.delete(symbol, by=by, now=timezone.now(), force=force, reason=reason)
            except BarsWaiting:
                refused.append(symbol.ticker)
            else:
                deleted.append(symbol.ticker)
        if deleted:
            self.message_user(request, f"Deleted: {named(deleted)}.", messages.SUCCESS)
        if refused:
            self.message_user(request, f"Bars wait, so not deleted: {named(refused)}.", messages.WARNING)

    def _act(self, request: HttpRequest, symbols: QuerySet[Symbol], act: Action, done: str) -> None:
        reason = reason_of(request)
        results: dict[str, list[str]] = {"done": [], "nothing": []}
        for symbol in symbols:  # one transaction per symbol, never one for all
            try:
                act(symbol, by=request.user.get_username(), now=timezone.now(), reason=reason)
            except NothingToSkip:
                results["nothing"].append(symbol.ticker)
            else:
                results["done"].append(symbol.ticker)
        if results["done"]:
            self.message_user(request, f"{done}: {named(results['done'])}.", messages.SUCCESS)
        if results["nothing"]:
            text = f"No bar in flight, so nothing to skip: {named(results['nothing'])}."
            self.message_user(request, text, messages.WARNING)


def _duration(seconds: float) -> str:
    """A time in whole seconds: 3 days, 4:05:06."""
    return str(timedelta(seconds=int(seconds)))


def _waiting(symbols: list[Symbol]) -> str:
    """How many bars wait, in all and by symbol."""
    backlogs = {symbol.ticker: symbol.status.backlog for symbol in symbols if symbol.status.backlog}
    if not backlogs:
        return "none"
    return f"{sum(backlogs.values()):,}: " + named(f"{ticker} ({bars:,})" for ticker, bars in backlogs.items())
