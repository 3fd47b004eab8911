"""kombu's Redis transport, with one client for a channel instead of one for each command.

To make a client of redis-py 8 takes 0.15 ms, and kombu makes five for a bar: two in the process that runs it, three in
the worker's parent process. Clients of one pool of connections are all alike, so one is enough.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    """A channel that keeps the client with which it sends commands."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # kombu keeps this one itself
            return super()._create_client(asynchronous=True)  # type: ignore[misc] # the stubs lack it
        # After the broker was lost, kombu makes a new pool.
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
