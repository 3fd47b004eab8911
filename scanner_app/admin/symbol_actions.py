"""The operators' actions on the list of symbols."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.admin.actions import WithOperatorActions, confirmed, named, reason_of, selected, whole_number
from scanner_app.alerts import silences
from scanner_app.alerts.acknowledge import MAX_SILENCE_MINUTES
from scanner_app.api.symbols import MAX_P95_MS
from scanner_app.domain.errors import BarsWaiting, NothingToSkip
from scanner_app.domain.wording import counted
from scanner_app.engine import removal
from scanner_app.mailbox import operate_bulk
from scanner_app.models import Symbol


class Action(Protocol):
    """An operator's action, as a function of the mailbox."""

    def __call__(self, symbol: Symbol, *, by: str, now: datetime, reason: str = "") -> object: ...  # noqa: D102


class SymbolActions(WithOperatorActions):
    """The actions, as a part of the admin of symbols."""

    actions = ("reset", "skip", "disable", "disable_for", "enable", "silence", "set_p95", "delete")

    @admin.action(description="Reset: close the breaker, run the bar now", permissions=["operate"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Call `mailbox.reset` for each."""
        return self._act(request, queryset, "reset", "Reset")

    @admin.action(description="Skip: put the waiting bar into quarantine", permissions=["operate"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Call `mailbox.skip` for each."""
        return self._act(request, queryset, "skip", "Skipped the waiting bar of")

    @admin.action(description="Disable: bars are accepted, but wait", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Call `mailbox.disable` for each."""
        return self._act(request, queryset, "disable", "Disabled")

    @admin.action(description="Enable: let waiting bars run", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Call `mailbox.enable` for each."""
        return self._act(request, queryset, "enable", "Enabled")

    @admin.action(description="Disable for a time: it is enabled by itself", permissions=["operate"])
    def disable_for(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Call `mailbox.disable` for each, after the operator has set the minutes."""

        def disable(symbol: Symbol, minutes: int, **how: Any) -> object:
            return mailbox.disable(symbol, until=how["now"] + timedelta(minutes=minutes), **how)

        consequence = "Bars are accepted, and wait. After so many minutes the waiting bars run, by themselves."
        return self._with_number(request, queryset, "disable_for", "Disable", consequence, disable, "Disabled")

    @admin.action(description="Silence: send nothing about it for a time", permissions=["operate"])
    def silence(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Silence all rules of each, after the operator has set the minutes."""

        def silence(symbol: Symbol, minutes: int, **how: Any) -> object:
            return silences.add("", symbol, until=how["now"] + timedelta(minutes=minutes), **how)

        consequence = "For that time no notifications about them are sent, whether or not an alert fires."
        return self._with_number(request, queryset, "silence", "Silence", consequence, silence, "Silenced")

    @admin.action(description="Set the limit for slow bars", permissions=["operate"])
    def set_p95(self, request: HttpRequest, queryset: QuerySet[Symbol]) -> HttpResponse | None:
        """Call `mailbox.set_p95` for each, after the operator has set the milliseconds."""

        def set_p95(symbol: Symbol, limit_ms: int, **how: Any) -> None:
            mailbox.set_p95(symbol, limit_ms or None, **how)

        consequence = (
            "They are slow while the p95 latency of their last five minutes is above it. 0: the settings' limit."
        )
        return self._with_number(
            request,
            queryset,
            "set_p95",
            "Set the limit of",
            consequence,
            set_p95,
            "Set the limit of",
            number_label="Milliseconds",
            least=0,
            most=MAX_P95_MS,
            number=settings.SCANNER_ALERT_P95_MS,
        )

    def _with_number(
        self,
        request: HttpRequest,
        queryset: QuerySet[Symbol],
        action: str,
        verb: str,
        consequence: str,
        act: Callable[..., object],
        done: str,
        *,
        number_label: str = "Minutes",
        least: int = 1,
        most: int = MAX_SILENCE_MINUTES,  # for a disable too
        number: int = 60,
    ) -> HttpResponse | None:
        """Ask for a number on the confirmation page, then call `act` with it for each symbol."""
        symbols = list(self.get_queryset(request) & selected(request, queryset))
        if confirmed(request):
            asked = whole_number(request.POST.get("minutes", ""), least=least, most=most)
            if asked is None:
                text = f"{number_label} must be a whole number from {least} to {most:,}; nothing was done."
                self.message_user(request, text, messages.ERROR)
                return None
            how = {"by": request.user.get_username(), "now": timezone.now(), "reason": reason_of(request)}
            for symbol in symbols:  # one transaction per symbol, never one for all
                act(symbol, asked, **how)
            self.message_user(request, f"{done} {named(symbol.ticker for symbol in symbols)}.", messages.SUCCESS)
            return None
        return self.confirmation_page(
            request,
            queryset,
            action,
            title=f"{verb} {counted(len(symbols), 'symbol')}?",
            consequence=consequence,
            facts=[("Symbols", named(symbol.ticker for symbol in symbols))],
            button=f"{verb} {counted(len(symbols), 'symbol')}",
            minutes=number,
            least=least,
            most=most,
            number_label=number_label,
        )

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

    def _act(self, request: HttpRequest, queryset: QuerySet[Symbol], action: str, done: str) -> HttpResponse | None:
        """Do an action of the mailbox with each symbol. All that match a filter: only after a page that names them."""
        whole_filter = request.POST.get("select_across") == "1"
        if whole_filter and not confirmed(request):
            changes = list(operate_bulk.changed_by(action, queryset).values_list("ticker", flat=True))
            button = f"{action.capitalize()} {counted(len(changes), 'symbol')}"
            return self.confirmation_page(
                request,
                queryset,
                action,
                title=f"{button}?",
                consequence="Each that still matches the filter when its turn comes, in a transaction of its own.",
                facts=[("Symbols", named(changes) or "none")],
                button=button,
            )
        reason, by = reason_of(request), request.user.get_username()
        if whole_filter:
            matched = {name: value for name, value in request.GET.items() if value}
            tickers = operate_bulk.act_on_all(
                action, queryset, by=by, clock=timezone.now, reason=reason, matched=matched
            )
            self.message_user(request, f"{done}: {named(tickers) or 'none'}.", messages.SUCCESS)
            return None
        results: dict[str, list[str]] = {"done": [], "nothing": []}
        act: Action = getattr(mailbox, action)
        for symbol in queryset:  # one transaction per symbol, never one for all
            try:
                act(symbol, by=by, now=timezone.now(), reason=reason)
            except NothingToSkip:
                results["nothing"].append(symbol.ticker)
            else:
                results["done"].append(symbol.ticker)
        if results["done"]:
            self.message_user(request, f"{done}: {named(results['done'])}.", messages.SUCCESS)
        if results["nothing"]:
            text = f"No bar in flight, so nothing to skip: {named(results['nothing'])}."
            self.message_user(request, text, messages.WARNING)
        return None


def _waiting(symbols: list[Symbol]) -> str:
    """How many bars wait, in all and by symbol."""
    backlogs = {symbol.ticker: symbol.status.backlog for symbol in symbols if symbol.status.backlog}
    if not backlogs:
        return "none"
    return f"{sum(backlogs.values()):,}: " + named(f"{ticker} ({bars:,})" for ticker, bars in backlogs.items())
