"""Operators' acts in the admin: who may, the reason, and a page that asks first."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from scanner_app.access.roles import May

NAMED = 50
"""Symbols named in one message; of the others it says how many there are."""


class ActionWithReasonForm(ActionForm):
    """The choice of an action, with a reason for the symbol's timeline."""

    reason = forms.CharField(required=False, max_length=500, label="Reason:", widget=forms.TextInput({"size": 30}))


class Operated(admin.ModelAdmin[Any]):
    """A list with operators' acts."""

    action_form = ActionWithReasonForm

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the user may do operators' acts."""
        return May(request.user).operate

    def asks_first(
        self, request: HttpRequest, queryset: QuerySet[Any], action: str, **context: Any
    ) -> TemplateResponse:
        """The page that shows what `action` would do to the chosen rows, and does it when it is sent.

        It keeps the choice: the rows that were ticked, or, of a whole filter, those that were there to be counted.
        """
        whole_filter = request.POST.get("select_across") == "1"
        ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
        return TemplateResponse(
            request,
            "scanner_app/admin/confirm.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "media": self.media,
                "action": action,
                "select_across": int(whole_filter),
                # Of a whole filter Django wants to see one row, and looks at none.
                "ticked": ticked[:1] if whole_filter else ticked,
                "checkbox": ACTION_CHECKBOX_NAME,
                "upto": queryset.order_by().aggregate(newest=Max("pk"))["newest"],
                "reason": reason_of(request),
                **context,
            },
        )


def confirmed(request: HttpRequest) -> bool:
    """Whether the request comes from the page that asks."""
    return request.POST.get("confirmed") == "yes"


def counted(request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Of the chosen rows those that were there when the page that asks counted them; all of them before that."""
    upto = request.POST.get("upto", "")
    # As a choice of its own, without what the list's queryset joins and sorts.
    rows: QuerySet[Any] = queryset.model._default_manager.filter(pk__in=queryset.order_by().values("pk"))  # noqa: SLF001
    return rows.filter(pk__lte=int(upto)) if upto.isdecimal() else rows


def reason_of(request: HttpRequest) -> str:
    """Why the operator does it; the form has checked its length."""
    return request.POST.get("reason", "").strip()


def named(tickers: Iterable[str]) -> str:
    """Symbols by name, as far as a message has room."""
    names = list(tickers)
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def number_of(count: int, thing: str) -> str:
    """A count and its noun: 1 bar, 2 bars."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
