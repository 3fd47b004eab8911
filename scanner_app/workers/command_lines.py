"""The command lines of the scanner's processes, for whatever starts them."""

WEB_WORKERS = 2
"""Web processes. Two, since the threads of one process share the interpreter's lock. Chosen, not measured."""

WEB_THREADS = 16
"""Threads of each web process: the number of requests that it handles at a time."""


def worker_command(role: str, processes: int) -> str:
    """Celery's command line of one worker; `%h` stands for the host's name. -q: no banner among the log lines."""
    options = "-E --without-mingle --without-gossip"
    return f"celery -q -A scanner_project worker {options} -Q {role} -n {role}@%h -c {processes}"


def beat_command() -> str:
    """Celery's command line of beat. Where it keeps its schedule is in the settings."""
    return "celery -q -A scanner_project beat --pidfile="


def web_command(address: str) -> str:
    """Gunicorn's command line. --preload: the code is loaded once, so the second process costs little memory."""
    return (
        f"gunicorn scanner_project.wsgi --bind {address} --workers {WEB_WORKERS} --threads {WEB_THREADS}"
        " --preload --graceful-timeout 5 --no-control-socket"
    )
