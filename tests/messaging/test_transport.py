"""One client for a channel, as long as its pool of connections is the same. No broker is needed: nothing is sent."""

import pytest
from kombu import Connection
from kombu.transport import redis

from scanner_app.messaging import transport


@pytest.fixture
def channel(monkeypatch):
    # A channel says hello to its broker when it is made.
    monkeypatch.setattr("redis.Redis.ping", lambda self: True)
    with Connection("redis://127.0.0.1:1/0") as connection:
        yield connection.channel()


def test_the_application_speaks_to_redis_through_our_transport():
    from scanner_project.celery import app

    with app.connection_for_write() as connection:
        assert isinstance(connection.transport, transport.Transport)


def test_all_commands_of_a_channel_share_a_client(channel):
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second


def test_after_a_loss_of_the_broker_the_client_is_one_of_the_new_pool(channel):
    with channel.conn_or_acquire() as lost:
        pass

    channel._disconnect_pools()

    with channel.conn_or_acquire() as fresh:
        assert fresh is not lost
        assert fresh.connection_pool is channel.pool


def test_the_client_that_polls_has_connections_of_its_own(channel):
    with channel.conn_or_acquire() as client:
        assert channel.client is not client
        assert channel.client.connection_pool is not client.connection_pool


def test_kombu_still_makes_a_client_for_each_command(channel):
    """If this fails, kombu keeps its client by itself: our transport can go."""
    with redis.Channel.conn_or_acquire(channel) as ours:
        assert redis.Channel._create_client(channel) is not ours  # type: ignore[attr-defined]
        one, other = (redis.Channel._create_client(channel) for _ in range(2))  # type: ignore[attr-defined]
        assert one is not other
