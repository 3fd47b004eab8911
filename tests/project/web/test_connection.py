"""One connection's limits, by a transport and a clock of our own."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from scanner_project.web import connection as limits
from scanner_project.web.connection import ANSWER_S, BODY_S, HEADER_S, Connection

T0 = 1_000.0
HEADER = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


class Clock:
    """An event loop as far as a connection needs one: its time stands still until a test moves it."""

    def __init__(self):
        self.now = T0
        self.tasks = []

    def time(self):
        return self.now

    def call_later(self, *_):
        return asyncio.TimerHandle(0, lambda: None, (), asyncio.new_event_loop())

    def create_task(self, coroutine, **_):
        coroutine.close()  # what the application does is not looked at here
        return asyncio.Future(loop=asyncio.new_event_loop())


class Transport:
    def __init__(self, address="203.0.113.7"):
        self.address = address
        self.written = b""
        self.closed = self.aborted = False
        self.unsent = 0

    def get_extra_info(self, name):
        return (self.address, 1) if name == "peername" else None

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closed or self.aborted

    def close(self):
        self.closed = True

    def abort(self):
        self.aborted = True

    def get_write_buffer_size(self):
        return self.unsent

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


@pytest.fixture(autouse=True)
def _own_connections():
    limits.connections.cache_clear()
    yield
    limits.connections.cache_clear()


@pytest.fixture
def clock():
    return Clock()


async def _application(scope, receive, send):
    """Answers nothing."""


CONFIG = uvicorn.Config(_application, ws="none", log_config=None, lifespan="off")
CONFIG.load()


@pytest.fixture
def connect(clock):
    def one(address="203.0.113.7"):
        made = Connection(CONFIG, ServerState(), {}, clock)
        transport: Any = Transport(address)
        made.connection_made(transport)
        return made

    return one


def ended(connection):
    return connection.transport.is_closing()


def test_a_silent_connection_ends(connect):
    silent = connect()

    silent.end_if_late(T0 + HEADER_S - 0.1)
    assert not ended(silent)
    silent.end_if_late(T0 + HEADER_S + 0.1)
    assert silent.transport.aborted


def test_a_header_may_not_drip_in_for_ever(connect, clock):
    slow = connect()
    for byte in (b"G", b"E", b"T"):
        clock.now += HEADER_S / 3 - 0.01
        slow.data_received(byte)
        slow.end_if_late(clock.now)
    assert not ended(slow)

    slow.end_if_late(T0 + 2 * HEADER_S)

    assert slow.transport.written.startswith(b"HTTP/1.1 408 ")


def test_nor_may_a_body(connect, clock):
    slow = connect()
    slow.data_received(HEADER)
    for _ in range(9):
        clock.now += BODY_S / 10
        slow.data_received(b"x")
        slow.end_if_late(clock.now)
    assert not ended(slow)

    slow.end_if_late(T0 + BODY_S + 0.1)

    assert slow.transport.written.startswith(b"HTTP/1.1 408 ")


def test_a_request_that_is_here_may_take_its_time(connect):
    working = connect()
    working.data_received(HEADER + b"0123456789")

    working.end_if_late(T0 + 1_000_000)

    assert not ended(working)


def test_an_answer_that_nobody_takes_ends(connect, clock):
    reader = connect()
    reader.data_received(HEADER + b"0123456789")
    reader.pause_writing()
    reader.end_if_late(T0 + ANSWER_S - 0.1)
    assert not ended(reader)
    reader.resume_writing()  # it has taken something
    reader.end_if_late(T0 + ANSWER_S + 0.1)
    assert not ended(reader)

    clock.now += ANSWER_S
    reader.pause_writing()
    reader.end_if_late(clock.now + ANSWER_S + 0.1)

    assert reader.transport.aborted


def test_what_is_left_of_an_answer_is_not_waited_for_for_ever(connect):
    reader = connect()
    reader.data_received(HEADER + b"0123456789")
    reader.transport.closed, reader.transport.unsent = True, 1000  # the last piece, before a close
    reader.end_if_late(T0)
    assert not reader.transport.aborted

    reader.end_if_late(T0 + ANSWER_S + 0.1)

    assert reader.transport.aborted


def test_a_header_has_a_size(connect):
    large = connect()
    large.data_received(b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000)
    assert not ended(large)

    large.data_received(b"a" * 40_000)

    assert large.transport.written.startswith(b"HTTP/1.1 431 ")


def test_a_large_body_is_no_large_header(connect):
    sender = connect()
    sender.data_received(HEADER.replace(b"10", b"200000") + b"x" * 100_000)
    sender.data_received(b"x" * 100_000)

    assert not ended(sender)


def test_not_any_number_of_requests_may_wait_behind_another(connect):
    pushing = connect()

    pushing.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 100)

    assert pushing.transport.aborted


def test_an_address_has_so_many_connections(connect, monkeypatch):
    monkeypatch.setattr(limits, "PER_ADDRESS", 3)
    mine = [connect() for _ in range(3)]

    assert ended(connect())
    assert not ended(connect("203.0.113.8"))
    mine[0].connection_lost(None)
    assert not ended(connect())


def test_a_trusted_proxy_is_not_counted(connect, monkeypatch):
    monkeypatch.setattr(limits, "PER_ADDRESS", 3)

    assert not any(ended(connect("127.0.0.1")) for _ in range(10))


def test_when_all_places_are_taken_the_longest_waiting_goes(connect, clock, monkeypatch):
    monkeypatch.setattr(limits, "CONNECTIONS", 3)
    working = connect("10.0.0.1")
    working.data_received(HEADER + b"0123456789")
    clock.now += 1
    first = connect("10.0.0.2")
    clock.now += 1
    second = connect("10.0.0.3")

    newest = connect("10.0.0.4")

    assert [ended(each) for each in (working, first, second, newest)] == [False, True, False, False]


def test_a_stop_waits_for_complete_requests_alone(connect):
    silent, half, whole, events = (connect() for _ in range(4))
    half.data_received(HEADER)
    for each in (whole, events):
        each.data_received(HEADER + b"0123456789")
    limits.about(events.cycle.scope)["endless"] = True

    for each in (silent, half, whole, events):
        each.shutdown()

    assert [ended(each) for each in (silent, half, whole, events)] == [True, True, False, True]


CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"


def test_a_line_after_the_body_is_no_header(connect):
    forging = connect()

    forging.data_received(CHUNKED + b"X-Forwarded-For: 10.0.0.1\r\nX-Request-ID: forged\r\n\r\n")

    assert forging.scope["headers"] == [(b"host", b"a"), (b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        pytest.param(CHUNKED, b"X-T: aaaaaaaaaaa\r\n" * 1_000, id="lines after the body"),
        pytest.param(CHUNKED + b"X-T: ", b"a" * 17_000, id="one long line after the body"),
        pytest.param(CHUNKED.replace(b"0\r\n", b"1;"), b"a" * 17_000, id="what a chunk says of itself"),
    ],
)
def test_what_comes_beside_the_body_has_a_size(connect, begins, goes_on):
    large = connect()
    large.data_received(begins)
    for _ in range(3):
        large.data_received(goes_on)
    assert not ended(large)

    large.data_received(goes_on)

    assert large.transport.written.startswith(b"HTTP/1.1 431 ")


def test_a_body_in_many_small_chunks_is_taken(connect):
    sender = connect()
    sender.data_received(CHUNKED.removesuffix(b"0\r\n"))
    for _ in range(50):
        sender.data_received(b"1\r\n \r\n" * 1_000)

    assert not ended(sender)
