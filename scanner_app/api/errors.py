"""One form for every error: `{"detail": "…"}`, or `{"field": ["…"]}` if the values of fields are wrong."""

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated, NotFound, ParseError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from scanner_app.alerts import unexpected
from scanner_app.api.authentication import NOT_BEARER, is_bearer
from scanner_app.domain.errors import (
    AlertOver,
    AlreadySent,
    BarsWaiting,
    FeedFixed,
    NothingToSkip,
    NotInQuarantine,
    TooManyGuesses,
)
from scanner_app.reading.detectors import DetectorNotFound
from scanner_app.reading.symbols import SymbolNotFound

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 5
"""Seconds after which a client may try again: enough for a restart, and not too long for a feed."""


class DetailOut(serializers.Serializer[Any]):
    """An error that is not about a field."""

    detail = serializers.CharField()


class Conflict(APIException):
    """The request is valid, but not possible in the current state."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "Not possible in the current state."
    default_code = "conflict"


class TooLarge(APIException):
    """The request is too large."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "Too much for one request."
    default_code = "too_large"


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an exception of a view. None for a bug: then Django logs it and answers 500."""
    if isinstance(exc, (OperationalError, InterfaceError, InternalError)):
        log.error("database_away", error=str(exc), path=context["request"].path)
        # If the database is there, it is no outage: a missing column, a lock that is never given back.
        unexpected.note_answer(context["request"], status.HTTP_503_SERVICE_UNAVAILABLE, exc)
        return Response(
            {"detail": "The database does not answer. Send again whatever was not reported as done."},
            status=status.HTTP_503_SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    if isinstance(exc, TooManyGuesses):
        return Response(
            {"detail": str(exc)},
            status=status.HTTP_429_TOO_MANY_REQUESTS,
            headers={"Retry-After": str(exc.retry_after_s)},
        )
    if isinstance(exc, NotAuthenticated) and is_bearer(context["request"]):
        exc.detail = ErrorDetail(NOT_BEARER, exc.default_code)  # the same exception: its header makes it a 401
    response = exception_handler(_translated(exc), context)
    if response is not None:
        response.data = _in_our_form(response.data)
    return response


def _translated(exc: Exception) -> Exception:
    """The API's error for an exception that a request can cause; any other exception unchanged."""
    match exc:
        case NothingToSkip() | NotInQuarantine() | BarsWaiting() | AlertOver() | AlreadySent() | FeedFixed():
            return Conflict(str(exc))
        case SymbolNotFound() | DetectorNotFound():
            return NotFound(str(exc))
        case RequestDataTooBig():
            return TooLarge(f"The body may have at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.")
        case UnreadablePostError():
            return ParseError("The body was cut off.")
        case _:
            return exc


def _in_our_form(data: Any) -> Any:
    """The body of an error, with `detail` for errors that are not about a field: DRF has two other forms for them."""
    no_field = api_settings.NON_FIELD_ERRORS_KEY
    if isinstance(data, dict) and set(data) == {no_field}:
        data = data[no_field]
    return {"detail": " ".join(str(one) for one in data)} if isinstance(data, list) else data


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: JSON below /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": "Not found."}, status=status.HTTP_404_NOT_FOUND)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: JSON below /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": "Internal error; the log has the details."}, status=500)
    return defaults.server_error(request)
