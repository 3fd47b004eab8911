"""What the operators' actions in the admin share: who may, the reason, and the page that asks for confirmation."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from scanner_app.access.roles import May

MAX_NAMES = 50
"""Symbols named in one message, which says how many more there are."""


class ActionWithReasonForm(ActionForm):
    """The choice of an action, with a field for the reason."""

    reason = forms.CharField(required=False, max_length=500, label="Reason:", widget=forms.TextInput({"size": 30}))


class WithOperatorActions(admin.ModelAdmin[Any]):
    """A list with operators' actions."""

    action_form = ActionWithReasonForm

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the user may do operators' actions."""
        return May(request.user).operate

    def confirmation_page(
        self, request: HttpRequest, queryset: QuerySet[Any], action: str, **context: Any
    ) -> TemplateResponse:
        """The page that shows what `action` would do to the selected rows, and does it when its button is pressed.

        Its form contains the selection: the ids of the ticked rows, or, if all rows of a filter are selected, the
        highest id among them. So rows that arrive later are left alone.
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
                # With a whole filter Django demands the id of one row, and ignores it.
                "ticked": ticked[:1] if whole_filter else ticked,
                "checkbox": ACTION_CHECKBOX_NAME,
                "upto": queryset.order_by().aggregate(newest=Max("pk"))["newest"],
                "reason": reason_of(request),
                **context,
            },
        )


def confirmed(request: HttpRequest) -> bool:
    """Whether the request comes from the confirmation page."""
    return request.POST.get("confirmed") == "yes"


def selected(request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The selected rows; once confirmed, without those that have arrived since the confirmation page counted them."""
    upto = request.POST.get("upto", "")
    # By a sub-select, so that the query does not join and sort as the list's own does.
    rows: QuerySet[Any] = queryset.model._default_manager.filter(pk__in=queryset.order_by().values("pk"))  # noqa: SLF001
    return rows.filter(pk__lte=int(upto)) if upto.isdecimal() else rows


def reason_of(request: HttpRequest) -> str:
    """The operator's reason. The form limits its length."""
    return request.POST.get("reason", "").strip()


def whole_number(text: str, *, least: int, most: int) -> int | None:
    """The number that an operator typed; None unless it is a whole one within the bounds."""
    # Python refuses to convert thousands of digits, and the bounds have fewer than ten.
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return number if least <= (number := int(text)) <= most else None


def named(tickers: Iterable[str]) -> str:
    """The first MAX_NAMES names, and how many more there are."""
    names = list(tickers)
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")
