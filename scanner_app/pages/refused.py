"""What is said when a request is refused because of where it came from, or of whose it is."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from scanner_app.domain.proxies import TrustedProxies


def insecure(request: HttpRequest) -> HttpResponse:
    """The answer to signing in over http while PUBLIC_URL is https."""
    if _peer(request) in TrustedProxies.of(settings.TRUSTED_PROXIES):
        why = "its proxy did not say so with X-Forwarded-Proto: https."
    else:
        why = f"its proxy is not trusted: put {_peer(request)} into TRUSTED_PROXIES."
    return _refusal(
        request,
        f"Signing in needs https, as PUBLIC_URL says: open {settings.PUBLIC_URL}. "
        f"If this request came from there, {why}",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: what to do, in a sentence."""
    origin = request.META.get("HTTP_ORIGIN", "")
    here = f"{request.scheme}://{request.get_host()}"
    if origin and origin not in {here, settings.PUBLIC_URL}:
        return _refusal(
            request,
            f"This form was opened at {origin[:200]}, but the scanner takes its own address for {here}. Set PUBLIC_URL "
            "to the address under which people reach the scanner; if a proxy is in front of it, TRUSTED_PROXIES must "
            f"have the proxy's address, {_peer(request)}.",
        )
    return _refusal(
        request,
        f"The form's cookie is missing or has changed ({reason.rstrip('.')}). Reload the page and send the form again. "
        f"If that does not help: cookies are allowed at {settings.PUBLIC_URL} (the setting PUBLIC_URL) only.",
    )


def not_allowed(request: HttpRequest, sentence: str) -> HttpResponse:
    """The answer to a user who may not do this."""
    return _refusal(request, sentence)


def _peer(request: HttpRequest) -> str:
    return str(request.META.get("scanner.peer") or request.META.get("REMOTE_ADDR", "its address"))


def _refusal(request: HttpRequest, sentence: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": sentence}, status=403)
    # Not of the request: it may have been refused before anybody looked who its user is.
    page = render_to_string("scanner_app/refused.html", {"sentence": sentence, "version": settings.VERSION})
    return HttpResponse(page, status=403)
