"""Whether the process lives, and whether what it needs is there. Both answer whoever asks."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scanner_app.reading import readiness


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """200 with the version, while the process answers at all."""
    return JsonResponse({"status": "alive", "version": settings.VERSION})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """200 if database, broker and workers are ready, else 503 with those that are not, and why."""
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
    # Django logs each 5xx as an error. This one is an answer, asked for four times a second during a start; what
    # is wrong is logged by the check.
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001
    return response
