"""Note unexpected errors: of the web, of tasks, of programs. Noting costs microseconds, and never fails.

They are counted in memory, and a short-lived thread writes them to the database: the first at once, then all that came
meanwhile, every WRITE_EVERY_S. So no request, no task and no bar waits for it. What can't be written is only in the
log, and so is what comes until the database takes writes again: most of it is of that outage, which /readyz shows.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import Case, F, Value, When
from django.http import HttpRequest
from django.utils import timezone

from scanner_app.domain.enums import ErrorSource
from scanner_app.domain.unexpected import QUIET
from scanner_app.domain.wording import error_line, one_line
from scanner_app.models import UnexpectedError
from scanner_app.telemetry import counters

log = structlog.get_logger(__name__)

WRITE_EVERY_S = 3.0
"""Seconds between two writes of a process: an error at each request is one small write every three seconds."""

MAX_NAME = 200
"""Characters of a name: the width of its column."""

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
"""Methods that are named. A stranger can make up others, as many as he likes."""

Key = tuple[ErrorSource, str]


@dataclass(slots=True)
class Noted:
    """Errors with the same source and name that are not written yet."""

    count: int
    first: datetime
    last: datetime
    error: str


class Recorder:
    """Counts errors, and has them written."""

    def __init__(self, write: Callable[[Mapping[Key, Noted]], None], *, every_s: float = WRITE_EVERY_S) -> None:
        """`write` stores what was counted, and raises if the database is away, also if it gets nothing to store."""
        self._write = write
        self._every_s = every_s
        self.forget()

    def forget(self) -> None:
        """Begin anew, with nothing counted."""
        self._lock = threading.Lock()
        self._counted: dict[Key, Noted] = {}
        self._writing = False

    def note(self, source: ErrorSource, name: str, error: str, now: datetime) -> None:
        """Count an error, and begin to write unless a thread does already. Raises RuntimeError if none can start."""
        with self._lock:
            one = self._counted.setdefault((source, name), Noted(0, now, now, error))
            one.count, one.last, one.error = one.count + 1, now, error
            if self._writing:
                return
            self._writing = True
        try:
            self._begin()
        except BaseException:
            self._writing = False
            raise

    def _begin(self) -> None:
        threading.Thread(target=self._write_all, name="unexpected errors", daemon=True).start()

    def _write_all(self) -> None:
        is_away = False
        while taken := self._take():
            try:
                self._write({} if is_away else taken)
                is_away = False
            except Exception as exc:  # noqa: BLE001 - as the module says
                is_away = True
                log.warning("unexpected_errors_not_stored", error=f"{type(exc).__name__}: {exc}", names=_names(taken))
            finally:
                connection.close()  # the thread's own
            time.sleep(self._every_s)

    def _take(self) -> dict[Key, Noted]:
        """What was counted since the last time. If that is nothing, the thread ends; the next error begins another."""
        with self._lock:
            taken, self._counted = self._counted, {}
            self._writing = bool(taken)
            return taken


def store(noted: Mapping[Key, Noted]) -> None:
    """Add what was counted to the rows; a series that was quiet for long begins anew. Raises what the database does.

    All of it is stored, or nothing. With nothing to store it only asks the database whether it is there.
    """
    with transaction.atomic():
        for source, name in sorted(noted):  # in one order, or two processes may wait for each other
            one = noted[source, name]
            row, _ = UnexpectedError.objects.get_or_create(
                source=source, name=name, defaults={"began_at": one.first, "last_at": one.first, "error": one.error}
            )
            is_over = {"last_at__lt": one.first - QUIET}
            UnexpectedError.objects.filter(pk=row.pk).update(
                count=Case(When(**is_over, then=Value(one.count)), default=F("count") + one.count),
                began_at=Case(When(**is_over, then=Value(one.first)), default=F("began_at")),
                last_at=one.last,
                error=one.error,
            )


_recorder = Recorder(store)
os.register_at_fork(after_in_child=_recorder.forget)  # its lock may be held in the parent, whose thread is not here


def note(source: ErrorSource, name: str, error: str) -> None:
    """Note an error. Never raises."""
    with _never_raising():
        _note(source, name, error)


def note_answer(request: HttpRequest, status: int, error: BaseException) -> None:
    """Note that a request was answered 500 or 503 because of `error`. Never raises.

    It is counted by the route's pattern and not by the path: a stranger can make up paths, as many as he likes.
    """
    with _never_raising():
        from django.contrib.admindocs.views import simplify_regex  # noqa: PLC0415 - only where something failed

        match = request.resolver_match
        method = request.method if request.method in METHODS else "another method"
        path = "before any page" if match is None else simplify_regex(match.route)
        _note(ErrorSource.WEB, f"{status} to {method} {path}", error_line(type(error).__name__, str(error)))


def note_task(task: str, error: BaseException) -> None:
    """Note that a task raised. Never raises."""
    with _never_raising():
        _note(ErrorSource.TASK, task, error_line(type(error).__name__, str(error)))


def _note(source: ErrorSource, name: str, error: str) -> None:
    name = one_line(name)[:MAX_NAME]
    counters.unexpected_error(source.value, name)
    _recorder.note(source, name, one_line(error), timezone.now())


@contextmanager
def _never_raising() -> Iterator[None]:
    try:
        yield
    except Exception as exc:
        log.warning("unexpected_error_not_noted", exc_info=exc)  # not by str(), which may be what has failed


def _names(noted: Mapping[Key, Noted]) -> list[str]:
    return [f"{source}: {name}" for source, name in noted]
