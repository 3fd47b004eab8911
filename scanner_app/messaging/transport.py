"""kombu's Redis transport, changed in three ways: ready lists, heads without a copy in the broker, and one client.

**Ready lists.** kombu names every queue that a worker consumes in each BRPOP, which costs 1.5 ms with a thousand
queues and makes a worker of 5,000 need 9 s to start. So a worker of a lane waits on one list of names (its ready list),
and then takes the message from the queue that the name says. Whatever puts a message on a symbol's queue adds the name
in the same MULTI: here for Celery's retries and for messages that are given back, in producer.py for our own.

**No copy.** Until a message is acknowledged, kombu keeps a copy of it in a hash of the broker. That takes two round
trips for each bar, two fifths of what the worker's parent process does. Heads need none: the database knows them, and
the sweeper publishes again what a killed worker held, long before kombu would.

**One client.** To make a client of redis-py 8 takes 0.15 ms, and kombu makes five for a bar: two in the process that
runs it, three in the worker's parent process. Clients of one pool of connections are all alike, so one is enough.
"""

import time
from collections import OrderedDict
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis, virtual
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads

from scanner_app.domain.worker_roles import LANE_ROLES
from scanner_app.messaging.queue_names import READY, ready_list, ready_list_of

_READY_LISTS = {role.value: ready_list(role.value) for role in LANE_ROLES}
"""The ready list on which a worker waits in place of the queue that has its role's name."""

_ROLES = {key: role for role, key in _READY_LISTS.items()}

_answered_s = time.monotonic()


def last_answer_s() -> float:
    """When the broker last answered this process's wait for messages, "none" included (monotonic s).

    A worker that could take a message and has had no answer for long no longer takes any.
    """
    return _answered_s


class Unacknowledged(redis.QoS):
    """What a worker has taken and not acknowledged: heads in its memory alone, other messages also in the broker."""

    # kombu's own, more exactly than its stubs have them.
    channel: "Channel"
    _delivered: OrderedDict[str, Any]
    _dirty: set[str]

    def append(self, message: Any, delivery_tag: str) -> None:
        """Remember a message until it is acknowledged."""
        if _is_head(message):
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Forget it."""
        if _is_head(self._delivered.get(delivery_tag)):
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Give a message back to its queue; nothing if a head was acknowledged."""
        message: Any = self._delivered.get(tag)
        if not _is_head(message):
            super().restore_by_tag(tag, client=client, leftmost=leftmost)
        elif tag not in self._dirty:
            with self.channel.conn_or_acquire(client) as client, client.pipeline() as pipe:
                queue = message.delivery_info["routing_key"]
                self.channel._do_restore_message(message._raw, "", queue, pipe, leftmost)  # noqa: SLF001 - as kombu's own
                pipe.execute()


def _is_head(message: Any) -> bool:
    return message is not None and ready_list_of(message.delivery_info["routing_key"]) is not None


class Channel(redis.Channel):
    """A channel that keeps the client with which it sends commands, and that knows the ready lists."""

    QoS = Unacknowledged
    _kept: Any = None
    # kombu's own, which its stubs lack.
    _queue_cycle: Any
    _flush_brpop_reauth: Any
    connection_errors: tuple[type[Exception], ...]

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # kombu keeps this one itself
            return super()._create_client(asynchronous=True)  # type: ignore[misc] # the stubs lack it
        # After the broker was lost, kombu makes a new pool.
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[misc] # as above
        return self._kept

    def _put(self, queue: str, message: Any, **options: Any) -> None:
        """Put a message on its queue; on a symbol's, and the queue's name on its ready list."""
        listed = ready_list_of(queue)
        if listed is None:
            super()._put(queue, message, **options)
        elif (batch := options.get("_publish_batch")) is not None:
            # A batch can't have a MULTI of its own. If the broker dies between the two, the sweeper adds the name.
            batch.add("lpush", queue, dumps(message))
            batch.add("lpush", listed, queue)
        else:
            with self.conn_or_acquire() as client, client.pipeline() as pipe:
                pipe.lpush(queue, dumps(message)).lpush(listed, queue).execute()

    def _do_restore_message(
        self, payload: Any, exchange: str, routing_key: str, pipe: Any, leftmost: bool = False
    ) -> None:
        """Give a message back, in the caller's MULTI: at a shutdown, a rejection or after the visibility timeout."""
        super()._do_restore_message(payload, exchange, routing_key, pipe, leftmost)  # type: ignore[misc] # as above
        for queue in self._lookup(exchange, routing_key):
            if (listed := ready_list_of(queue)) is not None:
                (pipe.lpush if leftmost else pipe.rpush)(listed, queue)

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for the next message, as kombu does, of the ready list in place of a lane's queues."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues:
            return
        keys = [_READY_LISTS.get(queue, queue) for queue in queues]
        self._in_poll = self.client.connection
        self._brpop_sent_at = time.monotonic()
        self.client.connection.send_command("BRPOP", *keys, (self.brpop_timeout if timeout is None else timeout) or 0)

    def _brpop_read(self, **options: Any) -> bool:
        """Read the answer and deliver the message, as kombu does; after a name, take the message first."""
        global _answered_s  # noqa: PLW0603 - a worker has one connection that waits, and the watchdog asks
        connection = self.client.connection
        try:
            try:
                answer = self.client.parse_response(connection, "BRPOP", **options)
            except self.connection_errors:
                connection.disconnect()  # so that the next turn connects again
                raise
            _answered_s = time.monotonic()
            if not answer:
                raise Empty
            key, item = (bytes_to_str(part) for part in answer)
            queue = _ROLES.get(key, key)
            self._queue_cycle.rotate(queue)
            if key.startswith(READY):
                item = self._take(item)
            self.connection._deliver(loads(item), queue)  # noqa: SLF001 - as kombu's own channel does
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _take(self, queue: str) -> str:
        """The oldest message of a symbol's queue. Raises Empty: another worker has it, or the name came twice."""
        with self.conn_or_acquire() as client:
            item = client.rpop(queue)
        if item is None:
            raise Empty
        return bytes_to_str(item)


class Transport(redis.Transport):
    """The transport for redis:// and rediss://."""

    Channel = Channel


def install() -> None:
    """Make kombu use it. Call this before the first connection; a URL can't name a transport in another way."""
    name = f"{Transport.__module__}:{Transport.__qualname__}"
    TRANSPORT_ALIASES.update(redis=name, rediss=name)
