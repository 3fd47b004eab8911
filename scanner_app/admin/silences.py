"""Silences: a list, a form for a new one, and an action that ends them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from scanner_app.admin.actions import WithOperatorActions, reason_of
from scanner_app.admin.base import EMPTY, RecordAdmin, badge, time_column
from scanner_app.admin.links import link, row_url
from scanner_app.alerts import silences
from scanner_app.domain.wording import counted
from scanner_app.models import Silence, Symbol
from scanner_app.reading import symbols


class SilenceForm(forms.ModelForm[Silence]):
    """A new silence."""

    rule = forms.ChoiceField(
        choices=[("", "all rules"), *((name, name) for name in sorted(silences.RULE_NAMES))], required=False
    )
    ticker = forms.CharField(required=False, help_text="Empty: all symbols, and the scanner itself")
    until = forms.DateTimeField(help_text="UTC, for example 2026-01-31 12:00")
    reason = forms.CharField(required=False, max_length=500)

    class Meta:
        model = Silence
        fields = ("rule", "ticker", "until", "reason")

    def clean_ticker(self) -> Symbol | None:
        """The symbol; None for all."""
        ticker = self.cleaned_data["ticker"].strip()
        found = symbols.find(ticker) if ticker else None
        if ticker and found is None:
            raise forms.ValidationError(str(symbols.SymbolNotFound(ticker.upper())))
        return found

    def clean_until(self) -> Any:
        """The time, if it is in the future and not too far."""
        until = self.cleaned_data["until"]
        try:
            silences.check_until(until, timezone.now())
        except ValueError as exc:
            raise forms.ValidationError(str(exc)) from None
        return until


@admin.register(Silence)
class SilenceAdmin(WithOperatorActions, RecordAdmin):
    """The list of silences. They are added here, and ended by the action; none is changed."""

    list_display = (
        time_column("created_at", "Since"),
        "of_rule",
        "of_symbol",
        time_column("until", "Until"),
        "state",
        "created_by",
        "reason",
    )
    actions = ("end",)
    form = SilenceForm
    fields = (
        "rule",
        "symbol",
        time_column("until", "Until"),
        "reason",
        time_column("created_at", "Since"),
        "created_by",
        time_column("ended_at", "Ended"),
        "ended_by",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form's fields for a new one; what is stored of an old one."""
        return SilenceForm.Meta.fields if obj is None else super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002 - Django's signature
        """None of a new one, all of an old one."""
        return () if obj is None else self.fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators may silence."""
        return self.has_operate_permission(request)

    def save_model(self, request: HttpRequest, obj: Silence, form: Any, change: bool) -> None:  # noqa: ARG002
        """Store it by the same function as the API."""
        values = form.cleaned_data
        made = silences.add(
            values["rule"],
            values["ticker"],
            until=values["until"],
            by=request.user.get_username(),
            now=timezone.now(),
            reason=values["reason"],
        )
        obj.pk = made.pk

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """No entry in Django's own log: the silence itself says who made it."""

    @admin.display(description="Rule")
    def of_rule(self, row: Silence) -> str:
        """The rule, or that it is all of them."""
        return row.rule or "all rules"

    @admin.display(description="Symbol")
    def of_symbol(self, row: Silence) -> SafeString | str:
        """The symbol with a link to its page, or that it is all of them."""
        return link(row_url(Symbol, row.symbol_id), row.symbol.ticker) if row.symbol else "all"

    @admin.display(description="State")
    def state(self, row: Silence) -> SafeString | str:
        """Whether it is in force, and who ended it early."""
        if row.in_force(timezone.now()):
            return badge("in force")
        return f"ended by {row.ended_by}" if row.ended_at else EMPTY

    @admin.action(description="End: notifications are sent again", permissions=["operate"])
    def end(self, request: HttpRequest, queryset: QuerySet[Silence]) -> None:
        """End each that is in force."""
        how: dict[str, Any] = {"by": request.user.get_username(), "now": timezone.now(), "reason": reason_of(request)}
        count = sum(silences.end(row, **how) for row in queryset)
        self.message_user(request, f"Ended {counted(count, 'silence')}.", messages.SUCCESS)
