"""Structured logs: one event a line, with symbol, sequence, bar time, attempt and request where it has them.

On a terminal in columns for people, elsewhere as JSON for programs. What libraries log comes in the same form.
"""

import logging
import math
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

MAX_TEXT = 20_000
"""Characters of one value: enough for a traceback, and no line of megabytes. Of a longer one begin and end stay."""

FIRST = ("timestamp", "level", "logger", "event")
"""What every line begins with, so that they can be read below each other."""

SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def logging_config(form: str = "auto", level: str = "INFO") -> dict[str, Any]:
    """Django's LOGGING, which also carries what the libraries log, in the same form.

    `form`: json, text, or auto: text on a terminal, else JSON. `level` is the lowest that is logged.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # first, so that what nobody will see costs next to nothing
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(capture=True)  # Python's warnings are lines of several, which nothing parses
    quiet = {"DEBUG": "INFO", "INFO": "WARNING"}.get(level, level)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                # status_code is what Django adds to the requests that it warns of.
                "foreign_pre_chain": [*SHARED, structlog.stdlib.ExtraAdder(allow=["status_code"])],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(form)],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Its own handler mails every server error, with all settings, from within the request.
            "django": {"level": level, "handlers": [], "propagate": True},
            # Billiard's line of a process that was killed; it stops its logger from passing lines on.
            "multiprocessing": {"level": level, "handlers": ["stderr"], "propagate": False},
            # Celery logs every task at INFO, twice: Flower shows them better.
            "celery.app.trace": {"level": quiet},
            "celery.worker.strategy": {"level": quiet},
            "celery.beat": {"level": quiet},  # a line every two seconds
            "django.server": {"level": quiet},
            # They log whole addresses, whose paths are passwords: of the ping and of apprise's services.
            **{name: {"level": "WARNING"} for name in ("httpx", "httpcore", "urllib3", "requests", "apprise")},
            # Below that they log every byte.
            "amqp": {"level": "INFO" if level == "DEBUG" else level},
            "kombu": {"level": "INFO" if level == "DEBUG" else level},
            "asyncio": {"level": "INFO" if level == "DEBUG" else level},
            # It comes with a handler and a form of its own.
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
        },
    }


def _renderers(form: str) -> list[Any]:
    if form == "text" or (form == "auto" and sys.stderr.isatty()):
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    # The traceback inside its line, as `exception`.
    return [structlog.processors.format_exc_info, _in_order_and_bounds, structlog.processors.JSONRenderer()]


def _in_order_and_bounds(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Known keys first, no value beyond MAX_TEXT, and no NaN, which JSON does not have."""
    ordered = {name: event.pop(name) for name in FIRST if name in event} | dict(event)
    return {name: _bounded(value) for name, value in ordered.items()}


def _bounded(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and len(value) > MAX_TEXT:
        half = MAX_TEXT // 2
        return f"{value[:half]} … {len(value) - MAX_TEXT:,} characters left out … {value[-half:]}"
    return value
