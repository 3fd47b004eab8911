"""The command lines of the scanner's processes, for whatever starts them."""

WEB_WORKERS = 2
"""Web processes. Python runs one thread of a process at a time; the other process can answer. Not measured."""

WEB_THREADS = 16
"""Threads of each web process: as many requests as it answers at once."""


def worker_command(role: str, processes: int) -> str:
    """Celery's command line of one worker, `%h` being the host's name. -q: no banner, which is no line of a log."""
    options = "-E --without-mingle --without-gossip"
    return f"celery -q -A scanner_project worker {options} -Q {role} -n {role}@%h -c {processes}"


def beat_command() -> str:
    """Celery's command line of the scheduler; its file's place is in the settings."""
    return "celery -q -A scanner_project beat --pidfile="


def web_command(address: str) -> str:
    """Gunicorn's command line. --preload: the second process costs next to nothing."""
    return (
        f"gunicorn scanner_project.wsgi --bind {address} --workers {WEB_WORKERS} --threads {WEB_THREADS}"
        " --preload --graceful-timeout 5 --no-control-socket"
    )
