"""What goes to the broker for a head, beside what Celery itself sends for the same task. On a real server."""

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app

import scanner_app.tasks  # noqa: F401 - the sender knows the task, as our processes do
from scanner_app.messaging import envelopes, producer, publisher, task_names
from scanner_app.messaging.messages import Message, in_words
from tests.waiting import wait_until

QUEUE = "symbol.BRK.B"

MESSAGE = Message(
    symbol_id=7, ticker="BRK.B", sequence=12, epoch=3, retries=2, deferrals=1, bar="1d 2024-05-31T00:00:00Z"
)

UNLIKE = {"delivery_tag", "timestamp", "clock"}
"""Other in each message."""

NEEDLESS = {
    "reply_to": "there are no results",
    "shadow": "it has no other name",
    "timelimit": "the worker takes those of its own task, as Celery does where the sender does not know it",
    "group_index": "it is in no group",
    "replaced_task_nesting": "it replaces none",
    "stamped_headers": "it has no stamps",
    "stamps": "it has no stamps",
}
"""What Celery's has and a worker does without, and why."""


@pytest.fixture
def heard(broker_server):
    """Ask for the next event that is published: its channel and what it says."""
    listener = broker_server.pubsub(ignore_subscribe_messages=True)
    listener.psubscribe("*celeryev*")
    listener.get_message(timeout=5)

    def event():
        events: list[dict[str, bytes]] = []

        def comes():
            events.extend(filter(None, [listener.get_message(timeout=0.1)]))
            return bool(events)

        wait_until(comes, "an event is published")
        return events[0]["channel"], json.loads(events[0]["data"])

    return event


def sent_by_celery(message, due):
    producer.send(
        task_names.PROCESS_HEAD,
        args=(message.symbol_id, message.sequence, message.epoch),
        kwargs={"deferrals": message.deferrals},
        task_id=message.task_id,
        queue=QUEUE,
        retries=message.retries,
        eta=due,
        argsrepr=in_words(message, due),
        kwargsrepr="",
    )


def opened(envelope):
    """A message as one flat dictionary, without what differs each time."""
    properties, headers = envelope.pop("properties"), envelope.pop("headers")
    body = json.loads(b64decode(envelope.pop("body")))
    body = {"body": body} if isinstance(body, list) else body
    whole = envelope | properties | properties.pop("delivery_info") | headers | body
    return {name: value for name, value in whole.items() if name not in UNLIKE and name not in NEEDLESS}


@pytest.mark.parametrize("due", [None, datetime.now(UTC) + timedelta(hours=1)], ids=["now", "later"])
@pytest.mark.parametrize("message", [MESSAGE, replace(MESSAGE, retries=0, deferrals=0)], ids=["retry", "first"])
def test_a_heads_message_and_event_are_those_that_celery_would_send(broker_server, heard, message, due):
    sent_by_celery(message, due)
    theirs_channel, theirs_event = heard()
    publisher.publish([(message, "main", due)])
    ours_channel, ours_event = heard()

    ours, theirs = (json.loads(each) for each in broker_server.lrange(QUEUE, 0, -1))

    assert opened(ours) == opened(theirs)
    assert ours_channel == theirs_channel
    assert opened(ours_event) == opened(theirs_event)


def test_each_message_has_a_tag_of_its_own(broker_server):
    publisher.publish([(MESSAGE, "main", None)] * 2)

    one, other = (json.loads(each)["properties"]["delivery_tag"] for each in broker_server.lrange(QUEUE, 0, -1))
    assert one != other


def test_the_application_asks_for_the_event():
    """`task-sent` is published without asking: with the setting off it would be wrong."""
    assert current_app.conf.task_send_sent_event is True
    assert current_app.conf.event_exchange == "celeryev"
    assert current_app.conf.task_serializer == current_app.conf.event_serializer == "json"


def test_many_go_to_the_broker_in_one_round_trip(broker_server):
    publisher.publish([(MESSAGE, "main", None)])
    before = broker_server.info("stats")["total_reads_processed"]

    taken = publisher.publish([(replace(MESSAGE, sequence=number), "main", None) for number in range(3)])
    asked = broker_server.info("stats")["total_reads_processed"]

    assert taken == 3
    assert asked - before == 2  # ours, and that of asking
    assert broker_server.llen(QUEUE) == 4


def test_a_process_makes_its_own_name(monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 4711)
    assert json.loads(envelopes.of_task(MESSAGE, "task", QUEUE, None))["headers"]["origin"].startswith("gen4711@")
