"""`python -m scanner_project.web`: serves API and pages on WEB_HOST and WEB_PORT until SIGTERM; exit status 0."""

import logging.config
import multiprocessing
import os
import resource
import sys
from importlib import import_module

import uvicorn
from uvicorn import _subprocess
from uvicorn.supervisors import Multiprocess

from scanner_app.telemetry import pulse
from scanner_project import env as environment
from scanner_project.logs import logging_config
from scanner_project.web.connection import CONNECTIONS, KEEP_ALIVE_S

PROCESSES = 2
"""Two, since the threads of one process share the interpreter's lock. Chosen, not measured."""

GRACE_S = 6
"""Seconds that running requests have to finish when the server stops. Supervisor kills it after ten."""

FROZEN_S = 30
"""A process that does not answer its parent for so long is replaced."""

FILES = 2 * CONNECTIONS + 500
"""Files that a process may have open: a connection each, a file to send each, and some for databases."""


def main(application: str = "scanner_project.asgi:application") -> int:
    """Serve; `application` is another one in benchmarks. Returns the exit status."""
    try:
        env = environment.read()
    except environment.BadSetting as bad:
        sys.stderr.write(f"The web server can't start: {bad}\n")
        return 1
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
    logging.config.dictConfig(logging_config(env.SCANNER_LOG_FORMAT, env.SCANNER_LOG_LEVEL))
    _allow_files(FILES)
    _fork(application)
    config = uvicorn.Config(
        application,
        host=env.WEB_HOST,
        port=env.WEB_PORT,
        workers=PROCESSES,
        http="scanner_project.web.connection:Connection",
        loop="asyncio",
        ws="none",
        lifespan="on",
        proxy_headers=False,  # scanner_app/middleware.py believes them, of trusted proxies alone
        server_header=False,
        access_log=False,  # RequestIdMiddleware writes a line of each request
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=FROZEN_S,
    )
    Multiprocess(config, sockets=[config.bind_socket()]).run()
    return 0


def _fork(application: str) -> None:
    """Have uvicorn fork its processes after the application is loaded: they share its memory, some 30 MB.

    uvicorn would start each from nothing, with an interpreter and all modules of its own.
    """
    import_module(application.partition(":")[0])
    os.register_at_fork(after_in_child=pulse.start)
    _subprocess.spawn = multiprocessing.get_context("fork")  # type: ignore[assignment] # another kind of context


def _allow_files(wanted: int) -> None:
    """Raise this process's limit of open files, which its children inherit, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
