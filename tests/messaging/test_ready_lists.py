"""Messages and the names of their queues, on a real Redis server: both are there, or neither."""

import json
from typing import Any

import pytest
from celery import current_app
from kombu import Consumer, Exchange, Queue
from kombu.transport import redis

from scanner_app.messaging import producer, ready_lists
from scanner_app.messaging.queue_names import ready_list_of


@pytest.fixture
def channel(broker_server):
    with current_app.connection_for_write() as connection, connection.channel() as channel:
        yield channel


def publish(channel, queue: str, number: int = 1) -> None:
    """As Celery's retry does, in a pool child."""
    with current_app.amqp.Producer(channel) as sender:
        sender.publish({"number": number}, exchange="", routing_key=queue, delivery_mode=2)


def taking(channel, role: str = "main", *, limit: int = 0):
    """A consumer of a lane's worker, and the list of what it has taken."""
    taken: list[Any] = []
    consumer = Consumer(
        channel, [Queue(role, Exchange(""), routing_key=role)], on_message=taken.append, auto_declare=False
    )
    if limit:
        consumer.qos(prefetch_count=limit)
    consumer.consume()
    return consumer, taken


def drain(channel, taken: list[Any], number: int) -> None:
    while len(taken) < number:
        channel.connection.client.drain_events(timeout=5)


def names(broker, lane: str = "main") -> list[str]:
    return [name.decode() for name in broker.lrange(f"ready.{lane}", 0, -1)]


@pytest.mark.parametrize(
    ("queue", "listed"),
    [
        ("symbol.TSLA", "ready.main"),
        ("symbol.BTC%2FUSD", "ready.main"),
        ("slow.symbol.TSLA", "ready.slow"),
        ("upkeep", None),
        ("main", None),
    ],
)
def test_a_symbols_queue_has_the_list_of_its_lane_and_other_queues_have_none(queue, listed):
    assert ready_list_of(queue) == listed


def test_our_publisher_puts_message_and_name_together(broker_server, monkeypatch):
    sent: list[Any] = []

    def remember(_pipeline, _connection, commands, *_):
        sent.append(commands)
        return []

    monkeypatch.setattr("redis.client.Pipeline._execute_transaction", remember)

    producer.push([("symbol.TSLA", b"1"), ("slow.symbol.IBM", b"2")], [b"event"], channel="{database}")

    (commands,) = sent  # one MULTI
    assert [args for args, _ in commands] == [
        ("LPUSH", "symbol.TSLA", b"1"),
        ("LPUSH", "ready.main", "symbol.TSLA"),
        ("LPUSH", "slow.symbol.IBM", b"2"),
        ("LPUSH", "ready.slow", "slow.symbol.IBM"),
        ("PUBLISH", "0", b"event"),
    ]


def test_celerys_own_publishing_names_the_queue_too(broker_server, channel):
    publish(channel, "symbol.TSLA")
    publish(channel, "upkeep")

    assert names(broker_server) == ["symbol.TSLA"]
    assert (broker_server.llen("symbol.TSLA"), broker_server.llen("upkeep")) == (1, 1)


def test_a_publish_batch_names_it_too(broker_server, channel):
    with current_app.amqp.Producer(channel) as sender, sender.batch():  # type: ignore[attr-defined] # the stubs lack it
        sender.publish({}, exchange="", routing_key="slow.symbol.TSLA")

    assert names(broker_server, "slow") == ["slow.symbol.TSLA"]


def test_a_worker_takes_the_messages_that_the_names_say_in_the_order_of_the_names(broker_server, channel):
    for number, queue in enumerate(["symbol.A", "symbol.B", "symbol.A"], start=1):
        publish(channel, queue, number)
    _, taken = taking(channel)

    drain(channel, taken, 3)

    assert [json.loads(message.body)["number"] for message in taken] == [1, 2, 3]
    assert [message.delivery_info["routing_key"] for message in taken] == ["symbol.A", "symbol.B", "symbol.A"]
    assert names(broker_server) == []


def test_a_name_without_a_message_is_skipped(broker_server, channel):
    broker_server.lpush("ready.main", "symbol.GONE", "symbol.GONE")
    publish(channel, "symbol.TSLA")
    _, taken = taking(channel)

    while not taken:
        try:
            channel.connection.client.drain_events(timeout=1)
        except TimeoutError:
            continue

    assert taken[0].delivery_info["routing_key"] == "symbol.TSLA"


def test_a_rejected_message_is_named_again(broker_server, channel):
    publish(channel, "symbol.TSLA")
    _, taken = taking(channel, limit=1)
    drain(channel, taken, 1)

    taken[0].requeue()

    assert (broker_server.llen("symbol.TSLA"), names(broker_server)) == (1, ["symbol.TSLA"])


def test_what_a_worker_gives_back_when_it_stops_is_named_again(broker_server, channel):
    publish(channel, "slow.symbol.TSLA")
    _, taken = taking(channel, "slow")
    drain(channel, taken, 1)

    channel.qos.restore_unacked()

    assert (broker_server.llen("slow.symbol.TSLA"), names(broker_server, "slow")) == (1, ["slow.symbol.TSLA"])


def test_a_head_leaves_no_copy_in_the_broker_and_other_messages_do(broker_server, channel):
    for queue in ("symbol.TSLA", "upkeep"):
        publish(channel, queue)
    _, heads = taking(channel)
    _, others = taking(channel, "upkeep")
    drain(channel, heads, 1)
    drain(channel, others, 1)

    assert broker_server.hkeys(channel.unacked_key) == [others[0].delivery_tag.encode()]
    others[0].ack()
    assert broker_server.hlen(channel.unacked_key) == 0


def test_an_acknowledged_head_makes_room_and_is_not_given_back(broker_server, channel):
    for number in (1, 2):
        publish(channel, "symbol.TSLA", number)
    _, taken = taking(channel, limit=1)
    drain(channel, taken, 1)
    assert not channel.qos.can_consume()

    taken[0].ack()
    drain(channel, taken, 2)
    taken[1].ack()
    channel.qos.restore_unacked()

    assert (broker_server.llen("symbol.TSLA"), names(broker_server)) == (0, [])


def test_a_rejected_head_that_is_not_wanted_back_is_gone(broker_server, channel):
    publish(channel, "symbol.TSLA")
    _, taken = taking(channel, limit=1)
    drain(channel, taken, 1)

    taken[0].reject()
    channel.qos.restore_unacked()

    assert (broker_server.llen("symbol.TSLA"), names(broker_server)) == (0, [])


def test_what_an_older_versions_worker_left_in_the_broker_is_named_again(broker_server, channel, monkeypatch):
    """There heads had a copy too, which comes back after the visibility timeout."""
    publish(channel, "symbol.TSLA")
    _, taken = taking(channel)
    drain(channel, taken, 1)
    redis.QoS.append(channel.qos, taken[0], taken[0].delivery_tag)
    channel.qos._delivered.clear()  # another worker's memory
    monkeypatch.setattr(channel, "visibility_timeout", -1)

    channel.qos.restore_visible(num=10, interval=1)

    assert (broker_server.llen("symbol.TSLA"), names(broker_server)) == (1, ["symbol.TSLA"])


def test_a_restore_that_the_broker_refuses_keeps_the_message_where_it_was(broker_server, channel):
    """Message and name go back in one MULTI; a message without a name is named by the sweeper."""
    publish(channel, "symbol.TSLA")
    _, taken = taking(channel)
    drain(channel, taken, 1)
    broker_server.set("ready.main", "no list")  # the second push fails

    with pytest.raises(Exception, match="WRONGTYPE"):
        channel.qos.restore_by_tag(taken[0].delivery_tag)

    assert broker_server.llen("symbol.TSLA") == 1
    broker_server.delete("ready.main")  # or closing the channel fails in the same way


def test_names_are_read_counted_and_added(broker_server):
    ready_lists.add(["symbol.A", "slow.symbol.B", "symbol.A", "upkeep"])

    assert ready_lists.named() == {"symbol.A", "slow.symbol.B"}
    assert ready_lists.depths() == {"main": 2, "slow": 1}
