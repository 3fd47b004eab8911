"""The command lines of the scanner's processes, for whatever starts them."""

WEB_THREADS = 16
"""Threads of each web process: the number of requests that it handles at a time."""


def worker_command(role: str, processes: int) -> str:
    """Celery's command line of one worker; `%h` stands for the host's name. -q: no banner among the log lines."""
    options = "-E --without-mingle --without-gossip"
    return f"celery -q -A scanner_project worker {options} -Q {role} -n {role}@%h -c {processes}"


def beat_command() -> str:
    """Celery's command line of beat, which keeps its schedule in memory (schedule.py)."""
    return "celery -q -A scanner_project beat --pidfile="


def web_command() -> str:
    """The web server's command line. Where it listens is in the settings."""
    return "scanner_project.web"
