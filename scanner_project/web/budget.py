"""How many bytes of requests and answers a process holds for its clients."""

from typing import Protocol


class Holder(Protocol):
    """A connection for which bytes are held."""

    def abort(self) -> None:
        """Close the connection at once."""


class Budget:
    """Counts what is held. If it is too much, the connection for which most is held is closed.

    So whoever sends or fetches little, as nearly everybody does, is never the one that pays for an attack.
    """

    def __init__(self, limit: int) -> None:
        """`limit` is in bytes."""
        self._limit = limit
        self._held: dict[Holder, int] = {}
        self.total = 0

    def hold(self, holder: Holder, size: int) -> None:
        """Count `size` more bytes for this connection. May close it, or another one."""
        self._held[holder] = self._held.get(holder, 0) + size
        self.total += size
        while self.total > self._limit:
            largest = max(self._held, key=self._held.__getitem__)
            self.release(largest)
            largest.abort()

    def release(self, holder: Holder) -> None:
        """Nothing is held for this connection any more. It may have held nothing."""
        self.total -= self._held.pop(holder, 0)
