"""The id of the request at hand: it stands in every line that is logged on its behalf, and on the bars it brings.

It is stored on the bar, and not handed from task to task: a bar that waits in a backlog is published by the task
of the bar before it, which some other request may have brought.
"""

import re
import uuid

import structlog

MAX_LENGTH = 64
"""Characters of an id: a UUID has 36, those of proxies and tracers some more. Also the width of its column."""

_WELL_FORMED = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{{0,{MAX_LENGTH - 1}}}")


def taken_or_made(given: str | None) -> str:
    """The id that a client or proxy gave, if it is short and of harmless characters; else a new one."""
    return given if given is not None and _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex


def current() -> str | None:
    """The id of the request at hand; None outside of one."""
    return structlog.contextvars.get_contextvars().get("request_id")
