"""The id of the current HTTP request. It is in every log line that the request causes, and on the bars that it brings.

It is stored with the bar, not handed from task to task: a bar that waits in a backlog is published by the task of the
bar before it, which another request may have brought.
"""

import re
import uuid

import structlog

MAX_LENGTH = 64
"""Most characters of an id: a UUID has 36, ids of proxies and tracers have some more. Also the width of its column."""

_WELL_FORMED = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{{0,{MAX_LENGTH - 1}}}")


def taken_or_made(given: str | None) -> str:
    """The id that a client or proxy sent, if it is short and has only harmless characters; else a new one."""
    return given if given is not None and _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex


def current() -> str | None:
    """The id of the current request; None outside of a request."""
    return structlog.contextvars.get_contextvars().get("request_id")
