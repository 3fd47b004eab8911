"""The page of one's own tokens: see, make and revoke them. It works without scripts."""

import uuid
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from scanner_app.accounts import tokens
from scanner_app.domain.enums import Scope
from scanner_app.pages.views import common

SHOWN = 200
"""Tokens on the page, the newest. The API lists all."""

FORMS_REMEMBERED = 20
"""Sent forms that a session remembers, the newest: a page that is loaded again sends its form again."""

SCOPES = {
    Scope.OPERATE: "Everything that I may do",
    Scope.FEED: "Read, and send bars",
    Scope.READ: "Read only",
}


class NewToken(forms.Form):
    """What a new token is for."""

    name = forms.CharField(max_length=100, required=False)
    scope = forms.ChoiceField(choices=[(scope.value, words) for scope, words in SCOPES.items()])
    days = forms.IntegerField(min_value=1, max_value=tokens.MAX_DAYS, initial=tokens.DEFAULT_DAYS)
    form_id = forms.CharField(max_length=36, required=False, initial=uuid.uuid4)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The tokens. A POST makes one, and its answer is the only page that ever shows it.

    So the answer can't be a redirect, as it is elsewhere. Loading it again sends the form again, and makes no token.
    """
    now = timezone.now()
    if request.method == "POST" and _sent_before(request):
        return redirect("tokens")
    form = NewToken(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        about = form.cleaned_data
        _remember(request, about.pop("form_id"))
        about["scope"] = Scope(about["scope"])
        _, made = tokens.make(_user(request), **about, by=None, now=now)
        form = NewToken()
    rows = tokens.live(_user(request), now).order_by("-id")[:SHOWN]
    context = {"form": form, "made": made, "rows": rows, "shown": SHOWN, "max_days": tokens.MAX_DAYS}
    status = 400 if form.errors else 200
    return render(request, "scanner_app/tokens.html", {**context, **common(request)}, status=status)


@never_cache
@login_required
@require_POST
def revoke(request: HttpRequest, pk: str) -> HttpResponse:
    """End one of one's own tokens."""
    token = tokens.live(_user(request), timezone.now()).select_related("user").filter(pk=pk).first()
    if token is None:
        raise Http404
    tokens.revoke([token], why="by request")
    return redirect("tokens")


def _sent_before(request: HttpRequest) -> bool:
    """Whether this form has already made a token."""
    return request.POST.get("form_id", "") in request.session.get("sent_forms", [])


def _remember(request: HttpRequest, form_id: str) -> None:
    """Note that this form has made its token."""
    if form_id:
        request.session["sent_forms"] = [*request.session.get("sent_forms", []), form_id][-FORMS_REMEMBERED:]


def _user(request: HttpRequest) -> Any:
    """The signed-in user: login_required lets in nobody else."""
    return request.user
