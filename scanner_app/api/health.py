"""`/healthz`: does the process live? `/readyz`: does everything answer that it needs? Neither needs a user."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.reading import readiness


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """200 with the version, as long as the process answers at all."""
    return JsonResponse({"status": "alive", "version": settings.VERSION})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """200 if database, broker and workers are ready; otherwise 503, with what is not ready and why."""
    found = readiness.check()
    response = JsonResponse(
        {
            "status": "not ready" if found.not_ready else "ready",
            "not_ready": found.not_ready,
            "checks": {name: {"ready": not reason, "reason": reason} for name, reason in found.checks.items()},
            "warnings": found.warnings,
        },
        status=503 if found.not_ready else 200,
    )
    # Django logs each 5xx answer as an error. This one is no error: during a start it is requested four times a
    # second. readiness.check() logs what is wrong.
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001
    return response
