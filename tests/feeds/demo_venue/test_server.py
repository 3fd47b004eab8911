"""The venue on real sockets, read by the library that feeds use."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from scanner_app.feeds.demo_venue.connections import Limits
from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.script import Script, Written
from scanner_app.feeds.demo_venue.server import STEP_MS, Venue
from tests.loops import run
from tests.venues import klines, played

MINUTE = 60_000
T0 = 1_800_000_000_000 // MINUTE * MINUTE
BARS = klines(T0, 30)
SOON_S = 5.0
"""The longest wait for what must come."""


def at(minute):
    return int(T0 + minute * MINUTE)


def venue(*faults, limits=None):
    script = Script(Written({("BTCUSDT", "1m"): BARS}), faults, update_ms=30_000)
    return Venue(script, start_ms=T0, limits=limits)


@asynccontextmanager
async def reader(of, path="/stream?streams=btcusdt@kline_1m", **options):
    """A client whose subscription the venue has noticed."""
    async with connect(of.ws_url + path, **{"ping_interval": None, "close_timeout": 0.2, **options}) as client:
        await noticed(of)
        yield client


async def noticed(of, clients=1):
    """Wait until the venue serves so many clients: the handshake ends a moment earlier at the client."""
    async with asyncio.timeout(SOON_S):
        while len(of._clients) != clients:
            await asyncio.sleep(0.005)


async def opens(client, number):
    """The openings (minutes since T0) of the next closed bars."""
    found: list[int] = []
    async with asyncio.timeout(SOON_S):
        while len(found) < number:
            kline = json.loads(await client.recv())["data"]["k"]
            found += [(kline["t"] - T0) // MINUTE] if kline["x"] else []
    return found


async def reason_of_end(client):
    """What the venue says when it closes the connection, whatever came before."""
    try:
        async with asyncio.timeout(SOON_S):
            while True:
                await client.recv()
    except ConnectionClosed as exc:
        return exc.rcvd.reason if exc.rcvd else ""


async def nothing_comes(client):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.recv(), 0.1)


def test_a_client_gets_the_bars_of_its_streams():
    async def play():
        async with venue() as of, reader(of) as client:
            await of.advance(at(2))
            texts = [json.loads(await client.recv()) for _ in range(4)]
        return [(text["stream"], text["data"]["k"]["t"] - T0, text["data"]["k"]["x"]) for text in texts]

    name = "btcusdt@kline_1m"
    assert run(play()) == [(name, 0, False), (name, 0, True), (name, MINUTE, False), (name, MINUTE, True)]


def test_a_client_subscribes_while_it_is_connected():
    async def play():
        async with venue() as of, reader(of, "/ws") as client:
            await of.advance(at(1))  # nobody wants this one
            await client.send('{"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"], "id": 7}')
            answer = json.loads(await client.recv())
            await of.advance(at(2))
            return answer, json.loads(await client.recv())

    answer, event = run(play())
    assert answer == {"result": None, "id": 7}
    assert (event["e"], event["k"]["t"]) == ("kline", at(1))  # bare: without the stream's name


def test_rest_is_on_the_same_port():
    async def play():
        async with venue() as of, httpx.AsyncClient(base_url=of.rest_url) as client:
            await of.advance(at(2.5))
            found = [
                await client.get("/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m"}) for _ in range(2)
            ]
            return found, of.requested

    (first, second), requested = run(play())
    assert [(row[0] - T0) // MINUTE for row in first.json()] == [0, 1, 2]
    assert (first.headers["X-MBX-USED-WEIGHT-1M"], second.headers["X-MBX-USED-WEIGHT-1M"]) == ("2", "4")
    assert requested == ["/api/v3/klines?symbol=BTCUSDT&interval=1m"] * 2


def test_a_ban_is_told_over_http():
    fault = Fault(kind=FaultKind.FAIL, first_ms=T0, until_ms=at(1), status=418, retry_after_s=120)

    async def play():
        async with venue(fault) as of, httpx.AsyncClient(base_url=of.rest_url) as client:
            return await client.get("/api/v3/time")

    answer = run(play())
    assert (answer.status_code, answer.headers["Retry-After"]) == (418, "120")


def test_all_connections_are_dropped_without_a_farewell():
    async def play():
        async with venue(Fault(kind=FaultKind.DROP, first_ms=at(1.5))) as of:
            async with reader(of) as client:
                await of.advance(at(3))
                found = await opens(client, 1)
                with pytest.raises(ConnectionClosedError) as caught:
                    await opens(client, 1)
            async with reader(of) as client:  # and one may come back
                await of.advance(at(4))
                return found, caught.value.rcvd, await opens(client, 1)

    assert run(play()) == ([0], None, [3])


def test_a_proper_close_says_so():
    async def play():
        async with venue(Fault(kind=FaultKind.CLOSE, first_ms=at(1))) as of, reader(of) as client:
            await of.advance(at(1))
            return await reason_of_end(client)

    assert run(play()) == "closed by the venue"


def test_maintenance_is_announced():
    async def play():
        async with venue(Fault(kind=FaultKind.SHUTDOWN, first_ms=at(0.1))) as of, reader(of) as client:
            await of.advance(at(0.1))
            return json.loads(await client.recv())

    assert run(play()) == {"e": "serverShutdown", "E": at(0.1)}


@pytest.mark.parametrize(("kind", "answered"), [(FaultKind.MUTE, True), (FaultKind.DEAF, False)])
def test_a_spell_of_silence_with_and_without_pongs(kind, answered):
    async def play():
        fault = Fault(kind=kind, first_ms=at(0), until_ms=at(2.5))
        async with venue(fault, limits=Limits(ping_s=0.01)) as of, reader(of) as client:
            await of.advance(at(2))
            pong = await client.ping()
            done, _ = await asyncio.wait([pong], timeout=SOON_S if answered else 0.2)
            await nothing_comes(client)
            await of.advance(at(4))
            return bool(done), await opens(client, 2)

    assert run(play()) == (answered, [2, 3])


def test_a_half_open_connection_is_dead_and_a_new_one_lives():
    async def play():
        async with venue(Fault(kind=FaultKind.HALF_OPEN, first_ms=at(0.1))) as of, reader(of) as old:
            await of.advance(at(0.2))
            pong = await old.ping()
            async with connect(of.ws_url + "/ws/btcusdt@kline_1m") as new:
                await noticed(of, 2)
                await of.advance(at(1))
                event = json.loads(await new.recv())
                await nothing_comes(old)
                return pong.done(), event["k"]["t"]

    assert run(play()) == (False, T0)


def test_connections_are_refused_for_a_while():
    async def play():
        async with venue(Fault(kind=FaultKind.REFUSE, first_ms=at(0), until_ms=at(1), status=503)) as of:
            with pytest.raises(InvalidStatus) as caught:
                await connect(of.ws_url + "/ws")
            await of.advance(at(1))
            async with reader(of, "/ws"):
                return caught.value.response.status_code

    assert run(play()) == 503


def test_a_path_that_is_none_is_refused():
    async def play():
        async with venue() as of:
            with pytest.raises(InvalidStatus) as caught:
                await connect(of.ws_url + "/elsewhere")
            return caught.value.response.status_code

    assert run(play()) == 404


def test_the_venue_pings_and_drops_who_does_not_answer():
    async def play():
        limits = Limits(ping_s=0.01, pong_s=0.05)
        async with venue(limits=limits) as of, reader(of, "/ws") as good, reader_that_is_stuck(of) as stuck:
            await noticed(of, 2)
            async with asyncio.timeout(SOON_S):
                while len(of._clients) > 1:
                    await of.advance(T0)
                    await asyncio.sleep(0.01)
            return stuck, await (await good.ping()) >= 0

    assert run(play())[1]


@asynccontextmanager
async def reader_that_is_stuck(of):
    async with connect(of.ws_url + "/ws", ping_interval=None, close_timeout=0.1) as client:
        client.transport.pause_reading()
        yield client


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(Limits(age_s=0), "The connection is too old", id="the end of its 24 hours"),
        pytest.param(Limits(messages=2), "Too many requests", id="more than its messages a second"),
        pytest.param(Limits(streams=1), "2 streams; a connection may have 1", id="more than its streams"),
    ],
)
def test_limits_of_a_connection(limits, reason):
    async def play():
        async with venue(limits=limits) as of, reader(of, "/ws") as client:
            with suppress(ConnectionClosed):
                for number in range(4):
                    await client.send(json.dumps({"method": "SUBSCRIBE", "params": [f"{number}"], "id": number}))
                    await of.advance(T0)
            return await reason_of_end(client)

    assert run(play()) == reason


def test_in_real_time_a_sleep_of_the_machine_is_not_made_up_for():
    async def play():
        async with venue() as of, reader(of) as client:
            runs = asyncio.create_task(of.run(lambda: at(20)))
            found = await opens(client, 1)
            runs.cancel()
            return found

    assert STEP_MS == MINUTE
    assert run(play()) == [19]


def test_tests_without_an_event_loop_have_a_venue_too():
    with played({("BTCUSDT", "1m"): BARS}, start_ms=T0) as of:
        of.advance(at(2))
        assert len(httpx.get(f"{of.rest_url}/api/v3/klines?symbol=BTCUSDT&interval=1m").json()) == 3
        of.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(of.rest_url)
        of.start()
        assert httpx.get(f"{of.rest_url}/api/v3/time").json() == {"serverTime": at(2)}
