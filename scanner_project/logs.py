"""Structured logs: one event a line, with symbol, sequence, bar time, attempt and request where it has them.

On a terminal as text in columns, otherwise as JSON. What libraries log has the same form.
"""

import logging
import math
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

MAX_TEXT = 20_000
"""Most characters of one value: enough for a traceback. Of a longer value only the beginning and the end are kept."""

HOOK = re.compile(r"(?<!/scanner)/hooks/[^/\s?\"']+", re.IGNORECASE)
"""The address of a hook, which is its secret. A part of one, or a wrong one, is enough to be kept out of the logs."""

FIRST = ("timestamp", "level", "logger", "event")
"""The keys that every line begins with, in this order."""

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
            structlog.stdlib.filter_by_level,  # first, so that lines below the level cost next to nothing
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(capture=True)  # Python writes each warning as several lines, which no program can parse
    quiet = {"DEBUG": "INFO", "INFO": "WARNING"}.get(level, level)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                # Django adds status_code to its warnings about requests.
                "foreign_pre_chain": [*SHARED, structlog.stdlib.ExtraAdder(allow=["status_code"])],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(form)],
            }
        },
        "handlers": {"stderr": {"class": "scanner_project.output.LinesHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Who signed in and changed rights is kept at every level of the rest.
            "scanner.security": {"level": "INFO"},
            # Without Django's own handler, which mails each server error, with all settings, during the request.
            "django": {"level": level, "handlers": [], "propagate": True},
            # Billiard logs a killed process here, and does not pass its lines on to the root logger.
            "multiprocessing": {"level": level, "handlers": ["stderr"], "propagate": False},
            # Celery logs every task at INFO, twice: Flower shows them better.
            "celery.app.trace": {"level": quiet},
            "celery.worker.strategy": {"level": quiet},
            "celery.beat": {"level": quiet},  # a line every two seconds
            "django.server": {"level": quiet},
            # They log whole addresses. Those of the ping and of apprise's services contain secrets.
            **{name: {"level": "WARNING"} for name in ("httpx", "httpcore", "urllib3", "requests", "apprise")},
            # At DEBUG they log every byte.
            "amqp": {"level": "INFO" if level == "DEBUG" else level},
            "kombu": {"level": "INFO" if level == "DEBUG" else level},
            "asyncio": {"level": "INFO" if level == "DEBUG" else level},
            # A line of each request that is no HTTP, which anybody can send.
            "uvicorn.error": {"level": "ERROR" if level != "DEBUG" else level},
        },
    }


def _renderers(form: str) -> list[Any]:
    if form == "text" or (form == "auto" and sys.stderr.isatty()):
        plain = structlog.dev.plain_traceback
        return [_without_hooks, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    # The traceback inside its line, as `exception`.
    as_json = structlog.processors.JSONRenderer()
    return [structlog.processors.format_exc_info, _without_hooks, _in_order_and_bounds, as_json]


def _without_hooks(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """No addresses of hooks, whoever logs a request: ourselves, Django about answers of 4xx, a traceback."""
    return {
        name: HOOK.sub("/hooks/***", value) if isinstance(value, str) and "/hooks/" in value.lower() else value
        for name, value in event.items()
    }


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
