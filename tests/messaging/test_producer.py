"""Sending tasks to a real Redis server, also one that dies or hangs."""

import os
import signal

import pytest
import redis

from scanner_app.messaging import envelopes, producer, task_names
from tests.servers import RedisServer
from tests.waiting import wait_until


def test_a_task_and_the_event_that_tells_of_it_go_to_the_broker_in_one_round_trip(broker_server, monkeypatch):
    heard = broker_server.pubsub()
    heard.psubscribe("*")
    heard.get_message(timeout=5)
    producer.send(task_names.SWEEP, queue="upkeep")  # connects
    trips: list[int] = []
    send_packed = redis.connection.AbstractConnection.send_packed_command

    def counting(connection, command, *args, **options):
        trips.append(1)
        return send_packed(connection, command, *args, **options)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", counting)
    producer.send(task_names.SWEEP, queue="upkeep")
    monkeypatch.undo()

    assert len(trips) == 1
    assert broker_server.llen("upkeep") == 2
    events = [message for _ in range(2) if (message := heard.get_message(timeout=5))]
    assert [b"task-sent" in each["channel"].replace(b".", b"-") for each in events] == [True, True]


def test_a_broker_that_dies_between_sends_is_unreachable_and_takes_the_next_when_it_is_back(broker_server, tmp_path):
    producer.send(task_names.SWEEP, queue="upkeep")
    broker_server.shutdown(nosave=True)

    with pytest.raises(producer.UNREACHABLE):
        producer.send(task_names.SWEEP, queue="upkeep")

    again = RedisServer(tmp_path)
    again.start()
    try:
        producer.send(task_names.SWEEP, queue="upkeep")
        assert broker_server.llen("upkeep") == 2  # the first one, kept on the disk, and this
    finally:
        again.stop()


def pushed(number: int) -> None:
    producer.push([("symbol.TSLA", b"%d" % number)], [], channel="{database}")


def test_what_is_pushed_after_a_broker_died_arrives_once_it_is_back(broker_server, tmp_path):
    pushed(1)
    broker_server.shutdown(nosave=True)

    with pytest.raises(producer.UNREACHABLE):
        pushed(2)

    again = RedisServer(tmp_path)
    again.start()
    try:
        pushed(3)
        assert broker_server.lrange("symbol.TSLA", 0, -1) == [b"3", b"1"]
    finally:
        again.stop()


def test_a_broker_that_hangs_is_unreachable(broker_server, monkeypatch):
    monkeypatch.setattr(producer, "TIMEOUT_S", 0.1)
    pid = broker_server.info("server")["process_id"]
    pushed(1)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(producer.UNREACHABLE):
            pushed(2)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_what_is_pushed_goes_to_the_database_and_the_channel_of_the_url(broker_server, settings):
    heard = broker_server.pubsub(ignore_subscribe_messages=True)
    heard.subscribe("/3.celeryev/task.sent")
    heard.get_message(timeout=5)
    settings.REDIS_URL += "?db=3"

    producer.push([("symbol.TSLA", b"1")], [b"event"], channel=envelopes.EVENT_CHANNEL)

    wait_until(lambda: (heard.get_message(timeout=0.1) or {}).get("data") == b"event", "the event is heard")
    assert broker_server.llen("symbol.TSLA") == 0
    with redis.Redis.from_url(settings.REDIS_URL) as third:
        assert third.llen("symbol.TSLA") == 1
