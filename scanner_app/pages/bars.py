"""A bar's page: its values, what was found on it and what happened to it; replaying and discarding it."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from scanner_app import mailbox
from scanner_app.access.roles import May
from scanner_app.api.base import LARGEST_ID
from scanner_app.api.fields import MAX_REASON
from scanner_app.domain.errors import NotInQuarantine
from scanner_app.pages.views import common
from scanner_app.reading import bar_page

ACTS = {"replay": mailbox.replay, "discard": mailbox.discard}
"""What can be done with a bar in quarantine."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def bar(request: HttpRequest, bar_id: int) -> HttpResponse:
    """The page. POST: `act` (`replay` or `discard`) on the bar, which is in quarantine, with an optional `reason`."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    page = bar_page.bar_page(bar_id) if bar_id <= LARGEST_ID else None
    if page is None:
        return _unknown(request, f"bar {bar_id}" if bar_id <= LARGEST_ID else "such bar")
    if request.method != "POST":
        return _show(request, page)
    if not May(request.user).operate:
        return _show(request, page, wrong="You may not do this: it needs the permission to operate symbols.", code=403)
    act, reason = ACTS.get(request.POST.get("act", "")), request.POST.get("reason", "").replace("\0", "")
    if act is None or len(reason) > MAX_REASON:
        return _show(
            request, page, wrong=f"Choose replay or discard; a reason has {MAX_REASON:,} characters at most.", code=400
        )
    if page.entry is None:
        return _show(request, page, wrong="The bar is not in quarantine any more.", code=409)
    try:
        act(page.entry, by=request.user.get_username(), now=timezone.now(), reason=reason)
    except NotInQuarantine as exc:
        return _show(request, page, wrong=str(exc), code=409)
    return redirect("bar", bar_id)


@never_cache
@require_safe
def bar_of(request: HttpRequest, ticker: str, sequence: int) -> HttpResponse:
    """Redirect to the page of a symbol's bar by its number: tasks in Flower know no ids."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    found = bar_page.id_of(ticker, sequence) if sequence <= LARGEST_ID else None
    return _unknown(request, f"bar {sequence} of {ticker}"[:80]) if found is None else redirect("bar", found)


def _show(request: HttpRequest, page: bar_page.BarPage, *, wrong: str = "", code: int = 200) -> HttpResponse:
    return _answer(request, {"page": page, "wrong": wrong, "max_reason": MAX_REASON}, code)


def _unknown(request: HttpRequest, name: str) -> HttpResponse:
    return _answer(request, {"page": None, "name": name, "keep_days": settings.SCANNER_KEEP_BARS_DAYS}, 404)


def _answer(request: HttpRequest, context: dict[str, Any], code: int) -> HttpResponse:
    return render(request, "scanner_app/bar.html", {**context, **common(request)}, status=code)
