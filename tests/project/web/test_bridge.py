"""Requests to Django's threads and their answers, by the messages of ASGI."""

import asyncio
import io
import threading

import pytest

from scanner_app.domain.proxies import TrustedProxies
from scanner_project.web.bridge import GATHERED, PER_CLIENT, Bridge
from tests import loops

TRUSTED = TrustedProxies.of("127.0.0.1")


class FakeConnection:
    gone = False

    def abort(self):
        self.gone = True


def scope(method="GET", path="/x", headers=(), client="127.0.0.1", connection=None):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"a=1",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": (client, 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "extensions": {"scanner": {"connection": connection}},
    }


async def ask(bridge, the_scope, *pieces, then=None):
    """The messages that are sent in answer to a body of these pieces; `then` comes when all of it has been read."""
    left = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    left += [{"type": "http.request", "body": b"", "more_body": False}]
    sent = []

    async def receive():
        if left:
            return left.pop(0)
        if then is not None:
            await then.wait()
        else:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await bridge(the_scope, receive, send)
    return sent


def made(application, *, threads=2, max_body=100, **options):
    return Bridge(application, threads=threads, trusted=TRUSTED, max_body=max_body, **options)


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"].encode(), b" ", environ["CONTENT_LENGTH"].encode(), b" ", body]


def body_of(sent):
    return b"".join(message.get("body", b"") for message in sent)


def test_a_body_in_pieces_without_a_length_is_read_whole():
    sent = loops.run(ask(made(echo), scope("POST", headers=[("transfer-encoding", "chunked")]), b"ab", b"", b"cd"))

    assert body_of(sent) == b"POST 4 abcd"
    assert dict(sent[0]["headers"])[b"content-length"] == b"11"
    assert sent[-1]["more_body"] is False


@pytest.mark.parametrize(
    ("headers", "pieces", "length"),
    [
        pytest.param([("content-length", "101")], [b"x" * 101], b"101", id="said so"),
        pytest.param([], [b"x" * 60, b"x" * 60, b"x" * 60], b"120", id="found out"),
    ],
)
def test_a_body_that_is_too_long_is_left_to_django_to_refuse(headers, pieces, length):
    sent = loops.run(ask(made(echo), scope("POST", headers=headers), *pieces))

    assert body_of(sent) == b"POST " + length + b" "


def test_a_header_with_an_underscore_forges_no_other():
    def app(environ, start_response):
        start_response("200 OK", [])
        return [environ.get("HTTP_X_FORWARDED_FOR", "none").encode(), b" ", environ["HTTP_COOKIE"].encode()]

    headers = [("x_forwarded_for", "1.1.1.1"), ("cookie", "a=1"), ("cookie", "b=2")]
    sent = loops.run(ask(made(app), scope(headers=headers)))

    assert body_of(sent) == b"none a=1; b=2"


def test_a_path_keeps_its_bytes():
    def app(environ, start_response):
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode("latin-1"), b"?", environ["QUERY_STRING"].encode()]

    assert body_of(loops.run(ask(made(app), scope(path="/a%2Fb/%C3%A4%FF")))) == "/a/b/ä".encode() + b"\xff?a=1"


def test_a_client_that_leaves_before_its_body_is_here_costs_no_thread():
    called = []
    bridge = made(lambda *_: called.append(1))
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    loops.run(bridge(scope("POST"), receive, send))

    assert (called, sent) == ([], [])


def test_probes_have_threads_of_their_own():
    release = threading.Event()

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            release.wait(20)
        start_response("200 OK", [])
        return [b"ok"]

    async def run():
        bridge = made(app, threads=1)
        slow = [asyncio.ensure_future(ask(bridge, scope(path="/slow"))) for _ in range(3)]
        await asyncio.sleep(0)
        answers = [body_of(await ask(bridge, scope(path=path))) for path in ("/healthz", "/readyz/", "/metrics")]
        assert not any(one.done() for one in slow)
        release.set()
        await asyncio.gather(*slow)
        return answers

    assert loops.run(run()) == [b"ok"] * 3


def test_one_client_has_so_many_requests_at_a_time_and_a_trusted_proxy_more():
    release = threading.Event()

    def app(environ, start_response):
        release.wait(20)
        start_response("200 OK", [])
        return [b"ok"]

    def from_client(address):
        return scope(headers=[("x-forwarded-for", address)])

    async def run():
        bridge = made(app)
        waiting = [asyncio.ensure_future(ask(bridge, from_client("203.0.113.7"))) for _ in range(PER_CLIENT)]
        waiting += [asyncio.ensure_future(ask(bridge, scope())) for _ in range(PER_CLIENT + 1)]
        waiting += [asyncio.ensure_future(ask(bridge, from_client("203.0.113.8")))]
        for _ in range(5):
            await asyncio.sleep(0)
        refused = await ask(bridge, from_client("203.0.113.7"))
        release.set()
        answered = await asyncio.gather(*waiting)
        again = await ask(bridge, from_client("203.0.113.7"))
        return refused[0], {sent[0]["status"] for sent in answered}, again[0]["status"]

    refused, statuses, again = loops.run(run())

    assert refused["status"] == 429
    assert dict(refused["headers"])[b"retry-after"] == b"1"
    assert (statuses, again) == ({200}, 200)


def test_a_file_is_sent_piece_by_piece_and_closed():
    class Opened:
        closed = 0
        read = io.BytesIO(b"x" * 200_000).read

        def close(self):
            Opened.closed += 1

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "200000")])
        return environ["wsgi.file_wrapper"](Opened(), 4096)

    sent = loops.run(ask(made(app), scope()))

    assert len(body_of(sent)) == 200_000
    assert max(len(message.get("body", b"")) for message in sent) <= 65_536
    assert Opened.closed == 1


class Streaming(list[bytes]):
    streaming = True


def test_a_streamed_answer_is_never_held_whole():
    longest = []

    def app(environ, start_response):
        start_response("200 OK", [])
        return Streaming([b"x" * 100_000] * 20)

    async def run():
        sent = await ask(made(app), scope())
        longest.append(max(len(message.get("body", b"")) for message in sent))
        return sent

    sent = loops.run(run())

    assert len(body_of(sent)) == 2_000_000
    assert longest[0] <= GATHERED
    assert (sent[0]["type"], sent[-1]["more_body"]) == ("http.response.start", False)


class Events:
    """A response of Django's with an asynchronous generator."""

    is_async = True
    closed = False

    def __init__(self, generator):
        self._generator = generator

    def __aiter__(self):
        return self._generator

    def close(self):
        Events.closed = True


@pytest.fixture(autouse=True)
def _open_again():
    Events.closed = False


def test_events_need_no_thread_and_end_with_their_client():
    ended = []

    async def events():
        try:
            yield b"data: 1\n\n"
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return Events(events()) if environ["PATH_INFO"] == "/events" else [b"ok"]

    async def run():
        bridge = made(app, threads=1)
        leave = asyncio.Event()
        streams = [asyncio.ensure_future(ask(bridge, scope(path="/events"), then=leave)) for _ in range(50)]
        other = body_of(await ask(bridge, scope(path="/other")))
        leave.set()
        return other, await asyncio.gather(*streams)

    other, streams = loops.run(run())

    assert other == b"ok"
    assert {body_of(sent) for sent in streams} == {b"data: 1\n\n"}
    assert len(ended) == 50
    assert Events.closed


def test_what_is_held_for_slow_senders_has_a_limit():
    """The connection with the largest body pays, and is closed; a small one is not."""
    small, large = FakeConnection(), FakeConnection()

    async def run():
        bridge = made(echo, max_body=1_000, held=1_000)
        never = asyncio.Event()

        async def receive_half():
            if not half:
                await never.wait()
            return half.pop()

        half = [{"type": "http.request", "body": b"x" * 950, "more_body": True}]
        waiting = asyncio.ensure_future(bridge(scope("POST", connection=large), receive_half, None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answered = await ask(bridge, scope("POST", connection=small), b"y" * 60)
        waiting.cancel()
        return answered

    sent = loops.run(run())

    assert (large.gone, small.gone) == (True, False)
    assert body_of(sent).startswith(b"POST 60 ")
