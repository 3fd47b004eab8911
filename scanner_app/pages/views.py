"""The live board, a symbol's page, the runbook, the guarantees, signing in, and the redirect to Flower."""

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.access.roles import May
from scanner_app.alerts.acknowledge import MAX_SILENCE_MINUTES
from scanner_app.domain.addresses import bracketed, is_every_address
from scanner_app.notifications.links import runbook_path
from scanner_app.pages import documents
from scanner_app.reading import symbols


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The live board: an empty page that its script fills every second."""
    if not (request.user.is_authenticated or settings.SCANNER_PUBLIC_STATUS):
        return redirect_to_login(request.get_full_path())
    return render(request, "scanner_app/home.html", common(request))


@never_cache
@require_safe
def symbol(request: HttpRequest, ticker: str) -> HttpResponse:
    """One symbol: an empty page that its script fills with chart, explanation, timeline and failures."""
    if not (request.user.is_authenticated or settings.SCANNER_PUBLIC_STATUS):
        return redirect_to_login(request.get_full_path())
    found = symbols.find(ticker)
    context = {"ticker": ticker.upper(), "known": found is not None, **common(request)}
    return render(request, "scanner_app/symbol.html", context, status=404 if found is None else 200)


@never_cache
@require_safe
def runbook_page(request: HttpRequest, rule: str) -> HttpResponse:
    """The runbook's page on a rule: what its alert means, what to look at and what to do."""
    if not (request.user.is_authenticated or settings.SCANNER_PUBLIC_STATUS):
        return redirect_to_login(request.get_full_path())
    if runbook_path(rule) is None:
        raise Http404
    return render(
        request, "scanner_app/runbook.html", {"rule": rule, "page": documents.runbook(rule), **common(request)}
    )


@never_cache
@require_safe
def guarantees(request: HttpRequest) -> HttpResponse:
    """What the scanner promises, with the limits, and how to see it.

    For strangers too, as the sign-in page links it: it is a released document, and says nothing of this installation.
    """
    return render(request, "scanner_app/guarantees.html", {"page": documents.guarantees(), **common(request)})


def common(request: HttpRequest) -> dict[str, Any]:
    """Template variables of all pages. They only hide actions: the API checks the permission of each request."""
    return {
        "may_operate": May(request.user).operate,
        "max_silence_minutes": MAX_SILENCE_MINUTES,
    }


class SignIn(LoginView):
    """Sign in, and return to the page that required it."""

    template_name = "scanner_app/login.html"
    redirect_authenticated_user = True


@require_safe
def flower(request: HttpRequest, where: str = "") -> HttpResponse:
    """Redirect to a page of Flower. If Flower listens on every address, on the host of this request."""
    parts = urlsplit(settings.FLOWER_URL)._replace(path=f"/{quote(where)}" if where else "")
    if is_every_address(parts.hostname or ""):
        ours = urlsplit(f"//{request.get_host()}").hostname or "localhost"
        parts = parts._replace(netloc=f"{bracketed(ours)}:{parts.port}")
    return redirect(urlunsplit(parts))


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Redirect the icon's traditional address to the icon."""
    return redirect(static("scanner_app/favicon.svg"), permanent=False)
