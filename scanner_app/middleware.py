"""Middleware: the request's id, and one log line for each request."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from scanner_app.telemetry import request_id

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
        with structlog.contextvars.bound_contextvars(request_id=this_id):
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
