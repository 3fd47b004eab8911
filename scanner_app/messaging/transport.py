"""kombu's Redis transport, with one client for a channel instead of one for each command.

A client of redis-py 8 costs 0.15 ms to make, and a bar had five made for it: two in the process that runs it, three
in the worker's parent, which every bar passes. Clients of one pool of connections are all alike, so one is enough.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    """Keeps the client that it sends commands with."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # kombu keeps this one itself
            return super()._create_client(asynchronous=True)  # type: ignore[misc] # the stubs lack it
        # After a loss of the broker there is another pool.
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[misc] # as above
        return self._kept


class Transport(redis.Transport):
    """The transport for redis:// and rediss://."""

    Channel = Channel


def install() -> None:
    """Make kombu use it. Call this before the first connection; a URL can't name a transport in another way."""
    name = f"{Transport.__module__}:{Transport.__qualname__}"
    TRANSPORT_ALIASES.update(redis=name, rediss=name)
