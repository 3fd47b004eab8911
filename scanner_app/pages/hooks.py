"""The page of one's own hooks: see, make and remove them, and copy the address and TradingView's text."""

import json
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from scanner_app.access.roles import May
from scanner_app.api.hooks import address_of
from scanner_app.feeds.hooks import mapping, renaming, store, tradingview
from scanner_app.models import Hook
from scanner_app.pages import refused
from scanner_app.pages.views import common

SHOWN = 200
"""Hooks on the page, the newest. The API lists all."""

MAY_NOT = "Webhooks need the permission to send bars, which an administrator can give you."

OWN = "own"
"""The choice of a mapping of one's own."""


class Tickers(forms.Form):
    """What a hook's messages call our symbols."""

    tickers = forms.CharField(
        required=False, max_length=100_000, widget=forms.Textarea({"rows": 4, "spellcheck": "false"})
    )

    def clean_tickers(self) -> dict[str, str]:
        """The names. Raises ValidationError with the line that is wrong."""
        try:
            return renaming.from_lines(self.cleaned_data["tickers"])
        except ValueError as exc:
            raise forms.ValidationError(str(exc)) from None


class NewHook(Tickers):
    """A new hook."""

    name = forms.CharField(max_length=100)
    form = forms.ChoiceField(
        label="What it sends",
        choices=[(mapping.TRADINGVIEW, "TradingView's alerts"), (OWN, "JSON with keys of its own")],
    )
    keys = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea({"rows": 4, "spellcheck": "false"}))

    def clean(self) -> dict[str, Any]:
        """The values, with the mapping that they describe. Raises ValidationError, which names the field."""
        values = super().clean() or {}
        if values.get("form") != OWN:
            return {**values, "mapping": mapping.TRADINGVIEW}
        try:
            wanted = json.loads(values.get("keys") or "{}")
            mapping.sources(wanted)
        except RecursionError:
            raise forms.ValidationError({"keys": "is nested too deeply"}) from None
        except ValueError as exc:
            raise forms.ValidationError({"keys": str(exc)}) from None
        return {**values, "mapping": wanted}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The hooks. A POST makes one, and its answer is the only page that ever shows its address."""
    if not May(request.user).send_bars:
        return refused.not_allowed(request, MAY_NOT)
    user: Any = request.user
    form = NewHook(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        about = {name: form.cleaned_data[name] for name in ("name", "mapping", "tickers")}
        hook, secret = store.make(user, **about, now=timezone.now())
        made = {"address": address_of(secret), "of_tradingview": hook.mapping == mapping.TRADINGVIEW}
        form = NewHook()
    return _page(request, form, made=made)


@never_cache
@login_required
@require_POST
def rename(request: HttpRequest, pk: str) -> HttpResponse:
    """Change what the messages of one of one's own hooks call our symbols."""
    if not May(request.user).send_bars:
        return refused.not_allowed(request, MAY_NOT)
    hook = _own(request, pk)
    form = Tickers(request.POST)
    if not form.is_valid():
        said = " ".join(map(str, form.errors["tickers"]))
        return _page(request, NewHook(), refused_of=hook, said=said, written=request.POST.get("tickers", ""))
    store.rename(hook, form.cleaned_data["tickers"])
    return redirect("hooks")


@never_cache
@login_required
@require_POST
def remove(request: HttpRequest, pk: str) -> HttpResponse:
    """Remove one of one's own hooks."""
    if not May(request.user).send_bars:
        return refused.not_allowed(request, MAY_NOT)
    store.remove(_own(request, pk))
    return redirect("hooks")


def _own(request: HttpRequest, pk: str) -> Hook:
    user: Any = request.user
    hook = Hook.objects.filter(user=user, pk=pk).select_related("user").first()
    if hook is None:
        raise Http404
    return hook


def _page(
    request: HttpRequest,
    form: NewHook,
    *,
    made: dict[str, Any] | None = None,
    refused_of: Hook | None = None,
    said: str = "",
    written: str = "",
) -> HttpResponse:
    """The page. `refused_of`: the hook whose new names, `written`, were refused, with what was `said`."""
    user: Any = request.user
    rows = [_row(hook) for hook in Hook.objects.filter(user=user).order_by("-id")[:SHOWN]]
    for row in rows:
        if row["hook"] == refused_of:
            row |= {"said": said, "tickers": written}
    context = {"form": form, "made": made, "rows": rows, "shown": SHOWN, "message": tradingview.MESSAGE}
    status = 400 if form.errors or said else 200
    return render(request, "scanner_app/hooks.html", {**context, **common(request)}, status=status)


def _row(hook: Hook) -> dict[str, Any]:
    named = hook.mapping == mapping.TRADINGVIEW
    form = "TradingView" if named else json.dumps(hook.mapping, ensure_ascii=False)
    return {"hook": hook, "form": form, "tickers": renaming.as_lines(hook.tickers)}
