"""What is said about live feeds and the holes in their series: values in, sentences out."""

from scanner_app.domain.enums import FeedState
from scanner_app.domain.wording import counted, span

NO_PROCESS = "no process runs it (manage.py feed)"
"""Why a feed is down that nobody has a heartbeat of."""


def trouble(name: str, state: FeedState, *, error: str = "", quiet_s: float | None = None) -> str:
    """What is wrong with a feed; "" while it is live or catching up. `quiet_s`: since its last message, if known."""
    match state:
        case FeedState.DOWN:
            return f"Live feed {name} is down{_because(error)}."
        case FeedState.SILENT:
            quiet = "" if quiet_s is None else f" The last message came {span(quiet_s)} ago."
            return f"Live feed {name} is connected, but its bars are overdue.{quiet}"
        case _:
            return ""


def day_summary(
    day: str, *, holes: int, missing: int, refilled: int, empty: int, given_up: int, still_open: int
) -> str:
    """What became of the holes found on a day: "today: 3 holes of 41 bars, 40 refilled, 1 empty by the venue".

    `day`: its name, such as "today". All but `holes` are numbers of bars.
    """
    if not holes:
        return f"{day}: no holes"
    parts = [
        f"{counted(holes, 'hole')} of {counted(missing, 'bar')}",
        f"{refilled:,} refilled" if refilled else "",
        f"{empty:,} empty by the venue" if empty else "",
        f"{given_up:,} given up" if given_up else "",
        f"{still_open:,} still missing" if still_open else "",
    ]
    return f"{day}: {', '.join(part for part in parts if part)}"


def _because(error: str) -> str:
    text = error.strip().rstrip(".")
    return f": {text}" if text else ""
