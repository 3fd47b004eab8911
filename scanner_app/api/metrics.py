"""`/metrics`, for Prometheus: whom it is shown to, and nothing else.

An address is no proof: behind a reverse proxy everybody comes from this machine.
"""

import secrets

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from scanner_app.access.roles import May
from scanner_app.reading.metrics import page


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """With SCANNER_METRICS_TOKEN, for who may enter the admin, and for all where SCANNER_PUBLIC_METRICS says so."""
    if not (settings.SCANNER_PUBLIC_METRICS or _has_token(request)):
        user = _user(request)
        if not user.is_authenticated:
            refused = JsonResponse({"detail": "Send SCANNER_METRICS_TOKEN as 'Authorization: Bearer …'."}, status=401)
            refused["WWW-Authenticate"] = "Bearer"
            return refused
        if not May(user).enter_admin:
            text = "Who may enter the admin may read the metrics, and who has their token."
            return JsonResponse({"detail": text}, status=403)
    body, content_type = page.render(request.headers.get("Accept", ""), timezone.now())
    return HttpResponse(body, content_type=content_type)


def _has_token(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").encode().partition(b" ")
    wanted = settings.SCANNER_METRICS_TOKEN.encode()
    return bool(wanted) and kind.lower() == b"bearer" and secrets.compare_digest(token.strip(), wanted)


def _user(request: HttpRequest) -> User | AnonymousUser:
    """Who asks, by a token of the API or a session."""
    try:
        found = TokenAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        return AnonymousUser()
    return request.user if found is None else found[0]
