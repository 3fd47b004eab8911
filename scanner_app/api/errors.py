"""One form for every error: `{"detail": "…"}`, or `{"field": ["…"]}` where fields are to blame."""

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from scanner_app.domain.errors import AlertOver, BarsWaiting, NothingToSkip, NotInQuarantine
from scanner_app.reading.symbols import SymbolNotFound

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 5
"""When a client that was turned away may ask again: long enough for a restart, short enough for a feed."""


class DetailOut(serializers.Serializer[Any]):
    """An error that concerns no field."""

    detail = serializers.CharField()


class Conflict(APIException):
    """The request is fine, but not in the state that things are in."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Not possible in the present state."
    default_code = "conflict"


class TooLarge(APIException):
    """More than one call may bring."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "Too much for one call."
    default_code = "too_large"


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an exception of a view; None for what is a bug: Django logs it and answers 500."""
    if isinstance(exc, (OperationalError, InterfaceError)):
        log.error("database_away", error=str(exc), path=context["request"].path)
        return Response(
            {"detail": "The database does not answer. What was not reported as done may be sent again."},
            status=status.HTTP_503_SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    response = exception_handler(_translated(exc), context)
    if response is not None:
        response.data = _in_our_form(response.data)
    return response


def _translated(exc: Exception) -> Exception:
    """The same as an error of the API, if it is one that a request can cause."""
    match exc:
        case NothingToSkip() | NotInQuarantine() | BarsWaiting() | AlertOver():
            return Conflict(str(exc))
        case SymbolNotFound():
            return NotFound(str(exc))
        case RequestDataTooBig():
            return TooLarge(f"A body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.")
        case UnreadablePostError():
            return ParseError("The body ended before its end.")
        case _:
            return exc


def _in_our_form(data: Any) -> Any:
    """Errors that concern no field, which DRF writes in two more ways, as a detail."""
    no_field = api_settings.NON_FIELD_ERRORS_KEY
    if isinstance(data, dict) and set(data) == {no_field}:
        data = data[no_field]
    return {"detail": " ".join(str(one) for one in data)} if isinstance(data, list) else data


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: JSON for the API's clients, a page for everybody else."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": "Not found."}, status=status.HTTP_404_NOT_FOUND)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: JSON for the API's clients, a page for everybody else."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": "Internal error; the log tells more."}, status=500)
    return defaults.server_error(request)
