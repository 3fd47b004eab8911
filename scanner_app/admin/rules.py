"""Rules and hits of all users: to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from scanner_app.admin.base import EMPTY, ReadOnlyAdmin, RecordAdmin, badge, time_column
from scanner_app.admin.links import link, row_url
from scanner_app.models import Hit, Rule, RuleFailure, Symbol
from scanner_app.signals import rules


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    """The rules. Their owners make and change them, by the API."""

    list_display = ("name", "owner", "expression", "on_timeframes", "state", time_column("changed_at", "Changed"))
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username", "expression")
    fields = (
        "name",
        "owner",
        "expression",
        "watchlist_id",
        "on_timeframes",
        "cooldown_s",
        "tell_within_s",
        "tell_late",
        "shared",
        "state",
        "problem",
        time_column("created_at", "Made"),
        time_column("changed_at", "Changed"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        """Those that are not deleted, with what their state is made of."""
        return rules.with_state(super().get_queryset(request).filter(deleted_at=None))

    @admin.display(description="Timeframes")
    def on_timeframes(self, row: Rule) -> str:
        """Whose bars it looks at."""
        return ", ".join(row.timeframes)

    @admin.display(description="State")
    def state(self, row: Any) -> SafeString | str:
        """On, off or failed."""
        return badge(rules.state_of(row, failing=row.failing, problem=rules.problem_of(row, listed=row.listed)))

    @admin.display(description="Problem", empty_value=EMPTY)
    def problem(self, row: Any) -> str:
        """Why it is failed."""
        failures = (f"{one.symbol} {one.timeframe}: {one.error}" for one in rules.failures_of(row, 5))
        return rules.problem_of(row, listed=row.listed) or "; ".join(failures)


@admin.register(Hit)
class HitAdmin(RecordAdmin):
    """The hits of all rules."""

    list_display = (
        time_column("created_at", "Since"),
        "of_rule",
        "of_symbol",
        "timeframe",
        time_column("timestamp", "Bar"),
        "shown_values",
        "late",
    )
    list_select_related = ("symbol",)
    fields = list_display

    @admin.display(description="Rule")
    def of_rule(self, row: Hit) -> SafeString | str:
        """The rule by its number: hits outlive a rule for a while."""
        return link(row_url(Rule, row.rule_id), f"{row.rule_id}")

    @admin.display(description="Symbol")
    def of_symbol(self, row: Hit) -> SafeString | str:
        """The symbol with a link to its page."""
        return link(row_url(Symbol, row.symbol_id), row.symbol.ticker)

    @admin.display(description="Values")
    def shown_values(self, row: Hit) -> str:
        """The words of the condition with their values."""
        return ", ".join(f"{word} {'not known' if value is None else value}" for word, value in row.values.items())


@admin.register(RuleFailure)
class RuleFailureAdmin(RecordAdmin):
    """Where rules failed, and are off until they are changed."""

    list_display = (time_column("at", "At"), "rule_id", "symbol", "timeframe", time_column("timestamp", "Bar"), "error")
    list_select_related = ("symbol",)
    fields = list_display
