"""Middleware: the request's id, one log line for each request, who asks, which proxies are believed, limits.

It also notes requests that fail in a way that nobody expected: by a signal, which Django sends for middleware too.
"""

import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from scanner_app.accounts import guesses
from scanner_app.alerts import unexpected
from scanner_app.domain.addresses import PROBES
from scanner_app.domain.errors import TooManyGuesses
from scanner_app.domain.proxies import TrustedProxies, first
from scanner_app.pages import refused
from scanner_app.telemetry import request_id, security_log

log = structlog.get_logger(__name__)

HEADER = "X-Request-ID"

READING = {"GET", "HEAD", "OPTIONS"}


class RequestIdMiddleware:
    """Take the request's id from X-Request-ID or make one, add it to all log lines, and return it in the answer.

    A request that may change something is logged at INFO; one that only reads at DEBUG, since open pages read every
    second.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        this_id = request_id.taken_or_made(request.headers.get(HEADER))
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=this_id), security_log.serving(request):
            response = self.get_response(request)
            write = log.debug if request.method in READING else log.info
            write(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round((time.monotonic() - began) * 1000, 1),
            )
        response[HEADER] = this_id
        return response


def note_failed_request(request: HttpRequest, **_: Any) -> None:
    """Note an exception of a view or a middleware that nobody has handled: Django logs it and answers 500."""
    error = sys.exc_info()[1]
    if error is not None:
        unexpected.note_answer(request, 500, error)


got_request_exception.connect(note_failed_request)


SIGN_IN = frozenset({"/login", "/admin/login"})
"""Pages on which one signs in."""


class TrustedProxiesMiddleware:
    """Take client, scheme and host from X-Forwarded-… if a trusted proxy sent them; else forget what they say.

    After it, `REMOTE_ADDR` is the client's address, and `request.is_secure()` and `get_host()` are what the client
    sees. Signing in over http is refused if PUBLIC_URL is https: the browser would not send the cookies again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._trusted = TrustedProxies.of(settings.TRUSTED_PROXIES)
        self._public = urlsplit(settings.PUBLIC_URL)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        self._believe(request)
        path = request.path.rstrip("/")
        if path in PROBES:  # whoever watches the scanner may use an address that nobody else does
            request.META["HTTP_HOST"] = self._public.netloc
        elif (
            request.method == "POST" and path in SIGN_IN and self._public.scheme == "https" and not request.is_secure()
        ):
            return refused.insecure(request)
        return self.get_response(request)

    def _believe(self, request: HttpRequest) -> None:
        meta = request.META
        said = {name: meta.pop(f"HTTP_X_FORWARDED_{name}", "") for name in ("FOR", "PROTO", "HOST", "PORT")}
        meta.pop("HTTP_FORWARDED", None)  # the standard header, which nothing here reads
        peer = meta.get("REMOTE_ADDR", "")
        meta["scanner.peer"] = peer
        if peer not in self._trusted:
            return
        meta["REMOTE_ADDR"] = self._trusted.client(peer, said["FOR"])
        # Of several proxies the one nearest to the client comes first.
        if first(said["PROTO"].split(",")).lower() in {"https", "http"}:
            meta["wsgi.url_scheme"] = first(said["PROTO"].split(",")).lower()
        if host := first(said["HOST"].split(",")):
            meta["HTTP_HOST"] = host


POLICY = "; ".join(
    [
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the chart's library and Swagger add style elements
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
"""Content-Security-Policy of every answer: nothing from other hosts, no scripts but our own files, in no frame."""

DEBUG_POLICY = f"{POLICY}; script-src 'self' 'unsafe-inline'"
"""With DEBUG=1, for developers: Django's debug pages have scripts inside."""


class PolicyMiddleware:
    """Add POLICY to every answer: pages, admin, API, its documents, errors and static files."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self.get_response(request)
        response["Content-Security-Policy"] = DEBUG_POLICY if settings.DEBUG else POLICY
        return response


DOORS = SIGN_IN | {"/api/v1/auth/token"}
"""Where one signs in with a password, the API's door too."""


class SignInLimitMiddleware:
    """Answer 429 to sign-ins after too many wrong passwords.

    Those from an address that must wait are refused here, before anything that costs time: otherwise forty clients
    that never give up would keep the bars waiting by being refused alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        if request.method == "POST" and request.path.rstrip("/") in DOORS:
            waits_s = guesses.address_waits_s(security_log.address_of(request))
            if waits_s:
                return self._refusal(request, TooManyGuesses(waits_s))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The refusal of a page; None for any other exception. What the API raises, it answers itself (errors.py)."""
        return self._refusal(request, exception) if isinstance(exception, TooManyGuesses) else None

    def _refusal(self, request: HttpRequest, exc: TooManyGuesses) -> HttpResponse:
        answer: HttpResponse
        if request.path.startswith("/api/"):
            answer = JsonResponse({"detail": str(exc)}, status=429)
        else:
            # Without the request: here it has no user yet, whom templates would ask for.
            context = {"retry_after_s": exc.retry_after_s, "version": settings.VERSION}
            answer = HttpResponse(render_to_string("scanner_app/too_many.html", context), status=429)
        answer["Retry-After"] = str(exc.retry_after_s)
        # Django would log each 4xx answer. The security log has a line for the lock.
        answer._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001
        return answer
