"""The ready lists, read and mended from outside of the workers: one list a lane, of the queues that have a message.

Whoever puts a message on a symbol's queue puts the queue's name on its lane's ready list in the same step (producer.py,
transport.py). A worker waits on its lane's list alone, so that what it costs does not grow with the number of symbols.
A name without a message is skipped; a message without a name would wait for ever: the sweeper gives it one again.
"""

from collections.abc import Iterable

from scanner_app.domain.enums import Lane
from scanner_app.messaging import queue_contents
from scanner_app.messaging.queue_names import ready_list, ready_list_of
from scanner_app.messaging.redis_client import client


def named() -> set[str]:
    """The queues that the ready lists name. Raises RedisError."""
    pipeline = client().pipeline(transaction=False)
    for lane in Lane:
        pipeline.lrange(ready_list(lane), 0, -1)
    return {name.decode() for names in pipeline.execute() for name in names}


def depths() -> dict[str, int]:
    """How many names each lane's list has: about as many as its queues have messages. Raises RedisError."""
    counts = queue_contents.depths(ready_list(lane) for lane in Lane)
    return {lane.value: counts[ready_list(lane)] for lane in Lane}


def add(queues: Iterable[str]) -> None:
    """Name these symbols' queues, whose messages are there already. Raises RedisError."""
    pipeline = client().pipeline(transaction=False)
    for queue in queues:
        if (listed := ready_list_of(queue)) is not None:
            pipeline.lpush(listed, queue)
    pipeline.execute()
