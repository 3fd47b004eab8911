"""An error as texts that can be stored and sent, whatever kind of error it is.

What detectors raise is other people's: its text may be of megabytes, or raise an error itself.
"""

import traceback as tracebacks
from collections.abc import Iterator
from dataclasses import dataclass

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from scanner_app.detectors import culprit_of
from scanner_app.domain import wording
from scanner_app.domain.errors import DetectorFailed
from scanner_app.models import ProcessingFailure

MAX_ERROR_TEXT = 10_000
"""Most characters that are stored of an error's message, so that no row has megabytes."""

MAX_TRACEBACK = 100_000
"""Most characters that are stored of a traceback, counted from its end: a deep recursion makes millions."""


MAX_PLACE = 200
"""Most characters of an error's place, as its column has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """An error as it is stored: its type's name, message and traceback."""

    type: str
    message: str
    traceback: str
    detector: str | None = None  # that it came from; None: from none
    version: str | None = None  # of the detector
    place: str | None = None  # where it was raised; None: that tells nothing

    @property
    def line(self) -> str:
        """The error in one line."""
        return wording.error_line(self.type, self.message)

    @property
    def whole(self) -> str:
        """Type and message, as SymbolStatus.last_error has them."""
        return f"{self.type}: {self.message}"


NO_ERROR = ErrorText(type="", message="", traceback="")
"""Of a bar that goes to quarantine without having failed."""


def of_failure(last: ProcessingFailure | None) -> ErrorText:
    """The texts of a stored failure; NO_ERROR without one."""
    if last is None:
        return NO_ERROR
    return ErrorText(type=last.error_type, message=last.message, traceback=last.traceback)


def describe(error: BaseException) -> ErrorText:
    """The texts of an error, each of a bounded length. Of a DetectorFailed, those of the detector's own error."""
    if isinstance(error, DetectorFailed) and error.__cause__ is not None:
        error = error.__cause__
    detector, version = culprit_of(error) or (None, None)
    return ErrorText(
        type=type(error).__name__[:200],
        message=_storable(_message(error)[:MAX_ERROR_TEXT]),
        traceback=_storable(_traceback(error)[-MAX_TRACEBACK:]),
        detector=detector,
        version=version,
        place=_place(error),
    )


def presentable(error: BaseException) -> BaseException:
    """The error itself, if logs and Celery can carry it; else one with its bounded texts in its place.

    Celery sends the text of a traceback from process to process and to Flower. An error of ours has one that is short.
    """
    text = describe(error)
    if len(text.traceback) < MAX_TRACEBACK / 2 and len(text.message) < MAX_ERROR_TEXT / 2:
        return error
    return DetectorFailed(text.line).with_traceback(error.__traceback__)


def _place(error: BaseException) -> str | None:
    """Module, line and function that raised it: `prices.spread:41 detect`. None: a time limit ends a run anywhere."""
    if error.__traceback__ is None or isinstance(error, SoftTimeLimitExceeded):
        return None
    *_, (frame, line) = tracebacks.walk_tb(error.__traceback__)
    return _storable(f"{frame.f_globals.get('__name__', '')}:{line} {frame.f_code.co_name}")[:MAX_PLACE]


def _message(error: BaseException) -> str:
    """The message of an error. The message of Celery's soft limit is only its name, so it gets a better one here."""
    if isinstance(error, SoftTimeLimitExceeded):
        return f"stopped after {wording.span(settings.SCANNER_SOFT_LIMIT_S)} (the soft limit)"
    try:
        return str(error)
    except BaseException as exc:  # noqa: BLE001 - the text of a failure must not be another failure
        return f"(its text can't be made: {type(exc).__name__})"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(_bounded(tracebacks.TracebackException.from_exception(error).format()))
    except BaseException as exc:  # noqa: BLE001 - as above
        frames = "".join(tracebacks.format_tb(error.__traceback__))
        return f"{frames}{type(error).__name__} (its text can't be made: {type(exc).__name__})\n"


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    """Each line of a traceback, cut: or a message of megabytes would leave no room for the lines before it."""
    for part in parts:
        yield part if len(part) <= MAX_ERROR_TEXT else f"{part[:MAX_ERROR_TEXT]}…\n"


def _storable(text: str) -> str:
    # PostgreSQL refuses NUL and lone surrogates, and storing a failure must not fail.
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
