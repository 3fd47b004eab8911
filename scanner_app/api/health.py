"""`/healthz`: does the process live? `/readyz`: does everything answer that it needs? Neither needs a user.

Who may not read the metrics gets the same answer of /readyz without the names of hosts.
"""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.api import metrics
from scanner_app.reading import readiness, strangers


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """200 with the version, as long as the process answers at all."""
    return JsonResponse({"status": "alive", "version": settings.VERSION})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if database, broker and workers are ready; otherwise 503, with what is not ready and why."""
    found = readiness.check()
    said = str if metrics.may_read(request) else strangers.without_hosts
    response = JsonResponse(
        {
            "status": "not ready" if found.not_ready else "ready",
            "not_ready": found.not_ready,
            "checks": {name: {"ready": not reason, "reason": said(reason)} for name, reason in found.checks.items()},
            "alarm_path": said(found.alarm_path),
            "warnings": [said(one) for one in found.warnings],
        },
        status=503 if found.not_ready else 200,
    )
    # Django logs each 5xx answer as an error. This one is no error: during a start it is requested four times a
    # second. readiness.check() logs what is wrong.
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001
    return response
