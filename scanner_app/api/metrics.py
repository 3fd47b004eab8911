"""`/metrics` for Prometheus: who may read it. reading/metrics makes the page.

The client's address is no proof of anything: behind a reverse proxy, every request comes from this machine.
"""

import secrets

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from scanner_app.access.roles import May
from scanner_app.api.authentication import ScopedTokenAuthentication
from scanner_app.reading.metrics import page


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For clients with SCANNER_METRICS_TOKEN and users who may enter the admin; with SCANNER_PUBLIC_METRICS for all."""
    if not (settings.SCANNER_PUBLIC_METRICS or _has_token(request)):
        user = _user(request)
        if not user.is_authenticated:
            refused = JsonResponse({"detail": "Send SCANNER_METRICS_TOKEN as 'Authorization: Bearer …'."}, status=401)
            refused["WWW-Authenticate"] = "Bearer"
            return refused
        if not May(user).enter_admin:
            text = "Reading the metrics needs SCANNER_METRICS_TOKEN or a user who may enter the admin."
            return JsonResponse({"detail": text}, status=403)
    body, content_type = page.render(request.headers.get("Accept", ""), timezone.now())
    return HttpResponse(body, content_type=content_type)


def may_read(request: HttpRequest) -> bool:
    """Whether the client has shown that it may read the metrics. False if the database can't tell."""
    if _has_token(request):
        return True
    try:
        return May(_user(request)).enter_admin
    except DatabaseError:  # /readyz must answer even so
        return False


def _has_token(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").encode().partition(b" ")
    wanted = settings.SCANNER_METRICS_TOKEN.encode()
    return bool(wanted) and kind.lower() == b"bearer" and secrets.compare_digest(token.strip(), wanted)


def _user(request: HttpRequest) -> User | AnonymousUser:
    """The user of the request, by a token of the API or by a session."""
    try:
        found = ScopedTokenAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        return AnonymousUser()
    return request.user if found is None else found[0]
