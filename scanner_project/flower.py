"""Flower, as the scanner runs it: `python -m scanner_project.flower --address=… --port=…`.

It is Flower's own command, with five things added:

- nothing is open without the password: Flower itself leaves `/metrics`, `/healthcheck` and its static files open
- no other site may show it in a frame
- its history survives a restart, in DATA_DIR; after `kill -9` without the last minute
- the queues' page lists every symbol's queue, though workers do not name them
- a task shows when its bar will really run next, and links to the bar's page
"""

import hmac
import os
import re
import sys
from base64 import b64decode
from datetime import datetime
from typing import Any
from urllib.parse import quote

import django
from celery import states
from django.conf import settings
from flower import command
from flower.app import Flower
from flower.options import options
from flower.views import BaseHandler
from tornado.escape import xhtml_escape
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

from scanner_app.domain.enums import Outcome
from scanner_app.messaging import task_names
from scanner_app.messaging.messages import due_in, names_in
from scanner_project.celery import app

MAX_TASKS = 20_000
"""Tasks that Flower remembers. It saves them in one go, during which it answers nobody: for so many half a second."""

SAVE_EVERY_MS = 60_000

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}

OURS = {task_names.PROCESS_HEAD, task_names.CONTROL_RUN}
"""Tasks that run a bar."""


class Refused(RequestHandler):
    """The answer to whoever has not signed in."""

    def prepare(self) -> None:
        """Answer any method, and stop."""
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Basic realm="flower"')
        self.finish("Sign in with ADMIN_USER's name and Flower's password.")


class Finish(OutputTransform):
    """Adds HEADERS to every answer, and makes links of the addresses of bars' pages."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Tornado calls it with each answer's head and the first part of its body."""
        for name, value in HEADERS.items():
            headers[name] = value
        if finishing and headers.get("Content-Type", "").startswith("text/html"):
            chunk = linked(chunk)
            if "Content-Length" in headers:
                headers["Content-Length"] = str(len(chunk))
        return status_code, headers, chunk


class GuardedFlower(Flower):  # type: ignore[misc] # Flower has no types
    """Flower, behind its password as a whole."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.transforms.append(Finish)

    def find_handler(self, request: HTTPServerRequest, **values: Any) -> Any:
        """What answers this request."""
        if not signed_in(request.headers.get("Authorization", ""), self.options.basic_auth or []):
            return self.get_handler_delegate(request, Refused)
        return super().find_handler(request, **values)


def signed_in(header: str, credentials: list[str]) -> bool:
    """Whether the header `Authorization` has one of the `name:password` pairs. Without any pair nobody is."""
    kind, _, sent = header.partition(" ")
    try:
        given = b64decode(sent.strip(), validate=True)
    except ValueError:
        return False
    return kind.lower() == "basic" and any(hmac.compare_digest(given, one.encode()) for one in credentials)


def bar_page(task_id: str) -> str | None:
    """The address of the page of the bar that a task runs; None for other tasks."""
    if (names := names_in(task_id)) is None:
        return None
    ticker, sequence = names
    return f"{settings.PUBLIC_URL}/bars/of/{quote(ticker, safe='')}/{sequence}/"


def format_task(task: Any) -> Any:
    """The task as Flower shows it: `task` is a celery.events.state.Task, a copy that may be changed."""
    if task.name in OURS and (page := bar_page(task.uuid)):
        due = due_in(task.args or "")
        task.args = f"{task.args} {page}"
        # The breaker may let the bar run later than the message's own time says.
        if due is not None and (task.eta is None or datetime.fromisoformat(task.eta) < due):
            task.eta = due.isoformat()
        # For Celery a delivery that found the breaker open has succeeded; for the bar another attempt is to come.
        if (task.result or "").strip("'") == Outcome.DEFERRED:
            task.state = states.RETRY
    return task


def linked(html: bytes) -> bytes:
    """The page, with links in place of the addresses of bars' pages."""
    start = re.escape(xhtml_escape(f"{settings.PUBLIC_URL}/bars/of/"))
    return re.sub(rb"%s[\w.~%%-]+/\d+/" % start.encode(), rb'<a href="\g<0>">\g<0></a>', html)


def all_queues(_handler: object) -> list[str]:
    """The queues of Flower's pages, from the database: workers name none. In place of a method of Flower's."""
    from scanner_app.reading.queues import queue_names  # noqa: PLC0415 - needs Django's models

    return queue_names()


def main() -> None:
    """Run Flower until it is stopped. Options on the command line, in the environment and in its file come last."""
    folder = settings.DATA_DIR / "flower"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = {
        "db": str(folder / "history"),
        "persistent": True,
        "state_save_interval": SAVE_EVERY_MS,
        "max_tasks": MAX_TASKS,
        "format_task": format_task,
    }
    for name, value in ours.items():
        setattr(options, name, value)
    command.Flower = GuardedFlower
    BaseHandler.get_active_queue_names = all_queues
    django.setup()
    # Flower asks for the queues in its event loop: one short query of a person who looks at them.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    app.start(["flower", *sys.argv[1:]])


if __name__ == "__main__":
    main()
