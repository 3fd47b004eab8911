"""Since when this worker takes messages. A bar accepted before that had to wait for the worker: it was not slow.

The parent process knows the moment only after it has forked its pool, so it is kept in memory that they share.
"""

import mmap
import struct
import time
from datetime import UTC, datetime

_FORMAT = "d"
"""Unix s as a double; 0: the worker has not begun yet."""

_shared: mmap.mmap | None = None


def prepare() -> None:
    """Make the shared memory. Call it in the parent before it forks."""
    global _shared  # noqa: PLW0603 - one a process
    _shared = mmap.mmap(-1, struct.calcsize(_FORMAT))


def begin() -> None:
    """Note that the worker takes messages from now on."""
    if _shared is not None:
        struct.pack_into(_FORMAT, _shared, 0, time.time())


def since() -> datetime | None:
    """Since when the worker takes messages; None in a process that belongs to no worker."""
    if _shared is None:
        return None
    # A message may come a moment before the parent has noted that it begins.
    return datetime.fromtimestamp(struct.unpack_from(_FORMAT, _shared)[0] or time.time(), UTC)
