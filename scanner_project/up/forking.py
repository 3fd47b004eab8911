"""Programs that are forked from supervisor instead of being started by an interpreter of their own.

All programs of `make up` need Django, Celery and our models: 40 MB and one to two seconds of a processor each. Here
supervisor imports them once, and each of its programs is a fork that goes on with its own module. So they share that
memory, and the scanner is up sooner. What can't be forked (the bundled server) is executed as ever.

A fork has the environment, the folder, the files and the process group that supervisor gives any program. Its name in
`ps` is its command line, as far as there is room.
"""

import atexit
import gc
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from supervisor.options import ServerOptions

from scanner_app.telemetry import pulse

SHARED = (
    "celery.bin.celery",
    "celery.bin.worker",
    "celery.worker.consumer",
    "celery.concurrency.prefork",
    "kombu.transport.redis",
    "scanner_project.celery",
    "scanner_app.tasks",
    "scanner_app.engine.runs",
    "scanner_app.detectors.ta_lib",
)
"""Modules that most programs import sooner or later. Their only effect is that supervisor has a pulse."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)
"""Those that supervisor handles, and its programs as if they had been started anew."""

_execve = os.execve

_opened: frozenset[int] = frozenset()
"""Files that the shared modules have open, in supervisor."""


def install() -> None:
    """Import what the programs share, and have supervisor fork them from now on."""
    import django  # noqa: PLC0415 - and below: only supervisor should have these, and only if it forks
    import setproctitle  # noqa: PLC0415

    global _opened  # noqa: PLW0603 - known once the modules are there
    before = _open_files()
    django.setup()
    for name in SHARED:
        import_module(name)
    app = import_module("scanner_project.celery").app
    app.finalize()
    app.amqp.queues  # noqa: B018 - made on first use, like the next
    import_module("django.db").connection.vendor  # noqa: B018
    _opened = _open_files() - before
    setproctitle.getproctitle()  # finds its room now; later, in a fork, the environment may be another
    ServerOptions.execve = _run
    # The collector would write into every object that a fork shares with supervisor, and so copy it.
    gc.collect()
    gc.freeze()


def _open_files() -> frozenset[int]:
    return frozenset(int(file.name) for file in Path("/dev/fd").iterdir())


def is_ours(argv: Sequence[str]) -> bool:
    """Whether a command line runs Python code in the interpreter that we have: `python -m …` or `python manage.py`."""
    return len(argv) > 2 and argv[0] == "python" and argv[1] in {"-m", "manage.py"}


def _run(_options: Any, filename: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
    """In the fork: become the program. Does not return."""
    if not is_ours(argv):
        _execve(filename, list(argv), env)
    os._exit(_status(argv, env))


def _status(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the program to its end; its exit status."""
    _forget_supervisor(env)
    _take_name(" ".join(argv))
    try:
        _go_on(list(argv[1:]))
    except SystemExit as ended:
        status = _code(ended)
    except BaseException:  # noqa: BLE001 - whatever it is, an interpreter would print it and end with 1
        traceback.print_exc()
        status = 1
    else:
        status = 0
    _finish()
    return status


def _forget_supervisor(env: Mapping[str, str]) -> None:
    # Supervisor has closed all files of the fork. Whoever opened one of these may close it once more, and must not meet
    # another that has its number by then.
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in _opened - {nothing}:
        os.dup2(nothing, number, inheritable=False)
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for name in set(os.environ) - set(env):
        del os.environ[name]
    os.environ.update(env)


def _take_name(name: str) -> None:
    import setproctitle  # noqa: PLC0415 - imported before the fork

    setproctitle.setproctitle(name)


def _go_on(arguments: list[str]) -> None:
    pulse.start()  # a fork has no thread of supervisor's
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_path(arguments[0], run_name="__main__")


def _code(ended: SystemExit) -> int:
    """The exit status that an interpreter makes of it."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


def _finish() -> None:
    """What an interpreter does at its end."""
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - waits for threads that are no daemons
    atexit._run_exitfuncs()  # noqa: SLF001 - as multiprocessing's forks end
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
