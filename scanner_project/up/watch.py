"""What `make up` prints while everything runs: whether it is ready, programs that ended, one line of progress."""

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from http.client import HTTPException
from typing import Generic, TypeVar

import redis
from django.db import Error as DatabaseError
from django.db import close_old_connections

from scanner_app.alerts import unexpected
from scanner_app.domain import addresses
from scanner_app.domain.enums import ErrorSource
from scanner_app.domain.feed_entries import parse_feeds
from scanner_app.engine import retention
from scanner_app.management.first_admin import Account
from scanner_app.models import Feed
from scanner_app.reading import status
from scanner_project.env import Environment
from scanner_project.up.programs import FEED, FEED_CCXT, REPLAY
from scanner_project.up.supervision import ChildState

ASK_TIMEOUT_S = 5.0

INTRODUCE_S = 120.0
"""Longest time for which Flower is asked to look for the workers."""

START_AGAIN_S = 10.0
"""Seconds until a program that supervisor has given up is started again: a full disk, say, may have space by then."""

WAITING = frozenset({REPLAY, FEED, FEED_CCXT})
"""Groups that are not started with all others, but when there is something for them to do."""

Answer = TypeVar("Answer")


class Asking(Generic[Answer]):
    """Asks a question again and again in a thread, so that who wants to know the answer never waits for it.

    The database and the web server may take long to answer, or hang; Ctrl-C has to work all the same.
    """

    def __init__(self, question: Callable[[], Answer], *, every_s: float) -> None:
        """Begin to ask; the next time `every_s` after each answer."""
        self._question = question
        self._every_s = every_s
        self.newest: Answer | None = None  # None: no answer has come yet
        self._taken = True
        self._ended = False
        threading.Thread(target=self._ask, name="asking", daemon=True).start()

    def take(self) -> Answer | None:
        """The newest answer; None if none has come since the last call."""
        if self._taken:
            return None
        self._taken = True
        return self.newest

    def end(self) -> None:
        """Ask no more."""
        self._ended = True

    def _ask(self) -> None:
        while not self._ended:
            self.newest = self._question()
            self._taken = False
            time.sleep(self._every_s)


def web_url(env: Environment, port: int) -> str:
    """The address of a port for a browser on this machine."""
    return addresses.web_url(addresses.local_host(env.WEB_HOST), port)


def readiness(env: Environment) -> str:
    """Why the scanner is not ready, in a few words; empty if /readyz answers 200."""
    # ALLOWED_HOSTS may lack the address that this request uses.
    host = env.ALLOWED_HOSTS.split(",")[0].lstrip(".")
    headers = {} if host in {"", "*"} else {"Host": host}
    request = urllib.request.Request(web_url(env, env.WEB_PORT) + "/readyz", headers=headers)  # noqa: S310 - http
    try:
        with urllib.request.urlopen(request, timeout=ASK_TIMEOUT_S):  # noqa: S310 - http
            return ""
    except urllib.error.HTTPError as exc:
        return _reason(exc.read(2000)) or f"/readyz answers {exc.code}"
    except (OSError, HTTPException):
        return "the web server does not answer yet"


def _reason(body: bytes) -> str:
    """The parts that are not ready and why, from the body of /readyz; empty if the body is not from /readyz."""
    with suppress(ValueError, KeyError, TypeError):
        answer = json.loads(body)
        return ", ".join(f"{name}: {answer['checks'][name]['reason']}" for name in answer["not_ready"])
    return ""


def introduce_workers(env: Environment, account: Account, *, workers: int) -> None:
    """Have Flower look for workers until it knows all: by itself it does not find those that started after it."""
    signed = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - http
        web_url(env, env.FLOWER_PORT) + "/api/workers?refresh=1", headers={"Authorization": f"Basic {signed}"}
    )
    deadline = time.monotonic() + INTRODUCE_S
    while time.monotonic() < deadline:
        with (
            suppress(OSError, ValueError),  # Flower does not listen yet, or is busy
            urllib.request.urlopen(request, timeout=15) as answer,  # noqa: S310
        ):
            if len(json.load(answer)) >= workers:
                return
        time.sleep(1)


def demo_warning(env: Environment, now: datetime) -> str:
    """Why the demo will show few bars or none, in a sentence; empty if it will show all."""
    if not (env.demo and env.SCANNER_KEEP_BARS_DAYS):
        return ""
    # Its reader of files takes 80 MB, which is for the demo alone.
    from scanner_app.feeds.bundled import load_series, too_old  # noqa: PLC0415

    return too_old(load_series(), retention.oldest_bar(now), days=env.SCANNER_KEEP_BARS_DAYS)


def progress(now: datetime) -> str:
    """One line: status, healthy symbols, rate, backlog, and the first reason if it is not healthy."""
    close_old_connections()
    try:
        seen = status.overview(now)
    except (DatabaseError, redis.RedisError, OSError) as exc:
        return f"{now:%H:%M:%S}  status unknown: {str(exc).splitlines()[0] if str(exc) else type(exc).__name__}"
    reason = f"  {seen.reasons[0]}" if seen.reasons else ""
    return (
        f"{now:%H:%M:%S}  {seen.overall_status}  {seen.healthy_symbols} of {seen.enabled_symbols} symbols healthy"
        f"  {seen.bars_per_second:.1f} bars/s  backlog {seen.backlog:,}{reason}"
    )


def venues(env: Environment) -> set[str]:
    """The venues of all feeds that are configured; those of the environment alone if the database does not answer."""
    named = {entry.venue for entry in parse_feeds(env.feeds)}
    close_old_connections()
    with suppress(DatabaseError, OSError):
        named |= set(Feed.objects.filter(enabled=True, from_environment=False).values_list("venue", flat=True))
    return named


class Children:
    """The programs' last states, in order to report changes."""

    def __init__(self, note: Callable[[ErrorSource, str, str], None] = unexpected.note) -> None:
        """Nothing is known yet. `note` is told of each restart that nobody asked for, and of programs given up."""
        self._note = note
        self._started_at: dict[str, int] = {}
        self._given_up: dict[str, float] = {}  # when (monotonic s) a program was reported as given up

    def news(self, children: list[ChildState]) -> Iterator[str]:
        """One sentence for each program that died, was given up, or ended by itself."""
        for child in children:
            before = self._started_at.get(child.name, 0)
            self._started_at[child.name] = child.started_at
            if child.state == "FATAL":
                if child.name not in self._given_up:
                    why = f": {child.reason}" if child.reason else ""
                    yield (
                        f"{child.name} can't be kept running{why}; its log is {child.log}; "
                        f"trying again in {START_AGAIN_S:.0f} s."
                    )
                    self._given_up[child.name] = time.monotonic()
                    self._note(ErrorSource.GIVEN_UP, child.name, _why(child))
            elif before and child.started_at != before and child.group != "replay":
                yield f"{child.name} ended and was started again; its log is {child.log}."
                self._note(ErrorSource.RESTART, child.name, _why(child))
            elif child.state == "RUNNING":
                self._given_up.pop(child.name, None)

    def due_again(self, children: list[ChildState]) -> Iterator[ChildState]:
        """The given-up programs whose next try is due."""
        now = time.monotonic()
        for child in children:
            if child.state == "FATAL" and now - self._given_up.get(child.name, now) >= START_AGAIN_S:
                self._given_up[child.name] = now
                self._note(ErrorSource.GIVEN_UP, child.name, _why(child))  # once more: it is down still
                yield child
            elif child.state == "STOPPED" and not child.started_at and child.group not in WAITING:
                yield child  # supervisor did not answer when it was to be started


def _why(child: ChildState) -> str:
    """What is known of a program's end."""
    return f"{child.reason}; its log is {child.log}" if child.reason else f"its log is {child.log}"
