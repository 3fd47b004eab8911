"""The names of the symbols' queues."""

from urllib.parse import quote, unquote

from scanner_app.domain.enums import Lane


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
