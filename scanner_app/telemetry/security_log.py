"""The security log: who did what from where, one line each, by the logger `scanner.security`. See docs/operations.md.

It is of the service's own logs: lines are never dropped by SCANNER_LOG_LEVEL (logs.py).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from django.http import HttpRequest

log = structlog.get_logger("scanner.security")

SYSTEM = "system"
"""Who did what no request asked for: a command, or the scanner itself."""

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)

_said_at: dict[tuple[str, str], float] = {}

MAX_NAME = 150
"""Most characters of a user's name that are logged: a stranger chooses what is sent as one."""


@contextmanager
def serving(request: HttpRequest) -> Iterator[None]:
    """While the block runs, lines say that this request caused them."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def address_of(request: HttpRequest | None) -> str:
    """The client's address; empty if there is none, as behind a unix socket."""
    return "" if request is None else str(request.META.get("REMOTE_ADDR") or "")


def note(event: str, *, user: str | None = None, **what: Any) -> None:
    """Write a line. `user`: whom it is about; without one the line says only who caused it, and from where.

    `by` is the signed-in user of the request, "system" outside of requests, and empty for a stranger.
    """
    request = _request.get()
    if user is not None:
        what["user"] = user[:MAX_NAME]
    log.info(event, by=_who(request), address=address_of(request), **what)


SELDOM_S = 60.0
SELDOM_KEYS = 1_000


def note_seldom(event: str, *, key: str, **what: Any) -> None:
    """Write a line, but not the same event of the same key twice in SELDOM_S.

    A client that never gives up must not fill the log.
    """
    now = time.monotonic()
    said = _said_at.get((event, key))
    if said is not None and now - said < SELDOM_S:
        return
    if len(_said_at) >= SELDOM_KEYS:
        _said_at.clear()
    _said_at[event, key] = now
    note(event, **what)


def _who(request: HttpRequest | None) -> str:
    if request is None:
        return SYSTEM
    return request.user.get_username() if hasattr(request, "user") else ""
