"""The home page, signing in, and the way to Flower."""

from urllib.parse import quote, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on
"""Hosts that a server listens on, but that no browser can go to."""


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The state of all symbols: a frame that its script fills from the status endpoint, every two seconds."""
    if not (request.user.is_authenticated or settings.SCANNER_PUBLIC_STATUS):
        return redirect_to_login(request.get_full_path())
    return render(request, "scanner_app/home.html")


class SignIn(LoginView):
    """Sign in, and go on to where one wanted to go."""

    template_name = "scanner_app/login.html"
    redirect_authenticated_user = True


@require_safe
def flower(request: HttpRequest, where: str = "") -> HttpResponse:
    """Lead to a page of Flower, on the host that the browser knows us by if Flower listens everywhere."""
    parts = urlsplit(settings.FLOWER_URL)._replace(path="/" + quote(where))
    if parts.hostname in EVERYWHERE:
        ours = urlsplit(f"//{request.get_host()}").hostname or "localhost"
        host = f"[{ours}]" if ":" in ours else ours
        parts = parts._replace(netloc=f"{host}:{parts.port}")
    return redirect(urlunsplit(parts))


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The icon, for those who ask for it by its old name."""
    return redirect(static("scanner_app/favicon.svg"), permanent=False)
