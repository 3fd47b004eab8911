"""The names of the symbols' queues, and of the lists by which workers find those that have a message."""

from urllib.parse import quote, unquote

from scanner_app.domain.enums import Lane

READY = "ready."
"""Before a lane's name: the key of its ready list. No queue has such a name."""


def queue_name(ticker: str, lane: str = Lane.MAIN) -> str:
    """The queue of a symbol in a lane. The ticker is percent-encoded, so that ticker_of_queue can read it back."""
    prefix = "slow.symbol." if lane == Lane.SLOW else "symbol."
    return prefix + quote(ticker, safe="")


def ticker_of_queue(queue: str) -> str:
    """The ticker of a symbol's queue. Raises ValueError for any other queue."""
    _, found, encoded = queue.partition("symbol.")
    if not found:
        raise ValueError(f"{queue!r} is not a symbol's queue")
    return unquote(encoded)


def ready_list(lane: str) -> str:
    """The key of the list that names the queues of a lane that have a message."""
    return READY + lane


def ready_list_of(queue: str) -> str | None:
    """The ready list that has to name this queue; None: it is not a symbol's queue."""
    if queue.startswith("symbol."):
        return ready_list(Lane.MAIN)
    return ready_list(Lane.SLOW) if queue.startswith("slow.symbol.") else None
