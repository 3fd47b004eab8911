"""Alpaca's venue: its messages as values, and its stream and history on real sockets."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from scanner_app.domain.feed_entries import Series, parse_feeds
from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.klines import mistaken
from scanner_app.feeds.demo_venue.script import Script, Written
from scanner_app.feeds.live import history, venues
from scanner_app.feeds.live.alpaca import Alpaca
from scanner_app.feeds.live.connection import Connection, Ended
from scanner_app.feeds.live.history import Historian, Question, Urgency
from scanner_app.feeds.live.venue import (
    Answer,
    Closed,
    Forming,
    HistoryLater,
    HistoryRefused,
    Query,
    Ready,
    Refused,
    Revision,
    Subscribed,
    VenueSeries,
)
from tests.feeds.live.alpaca_server import KEY, SECRET, AlpacaServer
from tests.loops import run
from tests.venues import klines

MINUTE = 60_000
T0 = 1_800_000_000_000 // MINUTE * MINUTE
BARS = klines(T0, 30)
SOON_S = 5.0
AAPL, MSFT, DAY = VenueSeries("AAPL", "1m"), VenueSeries("MSFT", "1m"), VenueSeries("AAPL", "1d")


def at(minute):
    return int(T0 + minute * MINUTE)


def moment(minute):
    return datetime.fromtimestamp(at(minute) / 1000, UTC)


def alpaca(ws_url="wss://stream.example/v2/iex", rest_url="https://data.example", **key):
    return Alpaca(ws_url=ws_url, rest_url=rest_url, **{"key_id": KEY, "secret_key": SECRET, **key})


def read(**event):
    return alpaca().read(json.dumps([event]))


VALUES = {"o": 1, "h": 3, "l": 0.5, "c": 2, "v": 10, "n": 4, "vw": 1.5}


@pytest.mark.parametrize(
    ("kind", "message", "timeframe", "opened", "stamp"),
    [
        ("b", Closed, "1m", "2024-03-08T14:30:00Z", datetime(2024, 3, 8, 14, 30, tzinfo=UTC)),
        ("u", Revision, "1m", "2024-03-08T14:30:00Z", datetime(2024, 3, 8, 14, 30, tzinfo=UTC)),
        ("d", Forming, "1d", "2024-03-08T05:00:00Z", datetime(2024, 3, 8, tzinfo=UTC)),
        ("d", Forming, "1d", "2024-07-08T04:00:00Z", datetime(2024, 7, 8, tzinfo=UTC)),
    ],
)
def test_bars_of_the_stream(kind, message, timeframe, opened, stamp):
    (found,) = read(T=kind, S="AAPL", t=opened, **VALUES)

    assert type(found) is message
    assert (found.bar.series, found.bar.timestamp) == (VenueSeries("AAPL", timeframe), stamp)
    assert (found.bar.open, found.bar.high, found.bar.low, found.bar.close, found.bar.volume) == (1, 3, 0.5, 2, 10)


def test_several_events_of_one_message_keep_their_order():
    bars = [{"T": "b", "S": name, "t": "2024-03-08T14:30:00Z", **VALUES} for name in ("AAPL", "MSFT")]

    assert [each.bar.series.name for each in alpaca().read(json.dumps(bars))] == ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("event", "messages"),
    [
        ({"T": "success", "msg": "connected"}, []),
        ({"T": "success", "msg": "authenticated"}, [Ready()]),
        ({"T": "subscription", "bars": ["AAPL"]}, [Subscribed()]),
        ({"T": "error", "code": 402, "msg": "auth failed"}, [Refused("auth failed (402)", lasting=True)]),
        ({"T": "error", "code": 406, "msg": "connection limit exceeded"}, [Refused("connection limit exceeded (406)")]),
        ({"T": "error", "code": 500, "msg": "internal error"}, [Refused("internal error (500)")]),
        ({"T": "t", "S": "AAPL"}, []),
    ],
)
def test_other_events(event, messages):
    assert read(**event) == messages


def test_a_message_that_is_none_is_told():
    with pytest.raises(ValueError, match="Expecting value"):
        alpaca().read("nonsense")


def test_subscriptions_name_the_channels_of_each_timeframe():
    sent = json.loads(alpaca().subscribe([AAPL, MSFT, DAY], 1))

    assert sent == {
        "action": "subscribe", "bars": ["AAPL", "MSFT"], "updatedBars": ["AAPL", "MSFT"], "dailyBars": ["AAPL"],
    }  # fmt: skip
    assert json.loads(alpaca().unsubscribe([DAY], 2)) == {"action": "unsubscribe", "dailyBars": ["AAPL"]}


def test_history_is_asked_of_the_same_source_as_the_stream():
    query = Query(names=("AAPL", "MSFT"), timeframe="1m", first=moment(0), last=moment(5), page="next")

    request = alpaca(ws_url="wss://x/v2/sip/").request(query)

    assert request.url == "https://data.example/v2/stocks/bars"
    assert request.params == {
        "symbols": "AAPL,MSFT", "timeframe": "1Min", "start": "2027-01-15T08:00:00Z", "end": "2027-01-15T08:05:00Z",
        "limit": 10_000, "feed": "sip", "page_token": "next",
    }  # fmt: skip
    assert request.headers == {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


def test_the_last_day_s_bar_is_asked_for_too_though_its_time_there_is_later():
    day = datetime(2024, 3, 8, tzinfo=UTC)

    request = alpaca().request(Query(names=("AAPL",), timeframe="1d", first=day, last=day))

    assert (request.params["start"], request.params["end"]) == ("2024-03-08T00:00:00Z", "2024-03-08T23:59:59Z")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"message": "invalid symbol: X"}, HistoryRefused),
        (401, {"message": "unauthorized"}, HistoryRefused),
        (302, {}, HistoryLater),
    ],
)
def test_history_that_is_not_given(status, body, error):
    query = Query(names=("AAPL",), timeframe="1m", first=moment(0), last=moment(1))

    with pytest.raises(error, match=str(status)):
        alpaca().read_history(query, Answer(status=status, body=json.dumps(body).encode()))


def test_no_bars_are_an_answer_too():
    query = Query(names=("AAPL",), timeframe="1m", first=moment(0), last=moment(1))

    page = alpaca().read_history(query, Answer(status=200, body=b'{"bars": null, "next_page_token": null}'))

    assert (page.bars, page.next_page) == ([], "")


def test_a_key_is_needed(settings):
    settings.ALPACA_KEY_ID = settings.ALPACA_SECRET_KEY = ""
    (entry,) = parse_feeds("alpaca:AAPL@1m")

    with pytest.raises(venues.VenueUnavailable, match="set ALPACA_KEY_ID and ALPACA_SECRET_KEY"):
        venues.check(entry)


def test_longer_timeframes_are_derived_and_not_asked_of_the_venue(settings):
    settings.ALPACA_KEY_ID = settings.ALPACA_SECRET_KEY = "x"
    settings.SCANNER_DERIVE = {"1m": ("1h",)}
    (entry,) = parse_feeds("alpaca:AAPL,MSFT@1m+1h")

    venue = venues.check(entry)

    assert entry.series_in(venue.traits.timeframes) == (Series("AAPL", "1m"), Series("MSFT", "1m"))


@pytest.mark.parametrize("text", ["alpaca:AAPL@1m+1h", "alpaca:AAPL@1h"])
def test_a_timeframe_that_nobody_brings_or_makes_is_refused(settings, text):
    settings.ALPACA_KEY_ID = settings.ALPACA_SECRET_KEY = "x"
    settings.SCANNER_DERIVE = {"1m": ("15m",)}
    (entry,) = parse_feeds(text)

    with pytest.raises(venues.VenueUnavailable, match=r"alpaca has no bars of 1h; it has 1m and 1d .*SCANNER_DERIVE"):
        venues.check(entry)


def test_tickers_are_written_as_alpaca_does():
    assert [alpaca().venue_name(each) for each in ("AAPL", "BRK.B", "BRK-B", "BRK/B")] == ["AAPL", *["BRK.B"] * 3]


# --- On real sockets


def server(*faults, **options):
    series = {("AAPL", "1m"): BARS, ("MSFT", "1m"): BARS}
    return AlpacaServer(Script(Written(series), faults), start_ms=T0, **options)


class Reader:
    """A connection, and what it heard."""

    def __init__(self, of, series=(AAPL, MSFT), **key):
        self.heard: list[Any] = []
        self.up: list[VenueSeries] = []
        self.connection = Connection(
            alpaca(of.ws_url, of.rest_url, **key), series, heard=self.heard.append, up=self.up.extend
        )

    async def __aenter__(self):
        self._task = asyncio.create_task(self.connection.run())
        await asyncio.wait_for(self.connection.is_up.wait(), SOON_S)
        return self

    async def __aexit__(self, *_exc):
        self.connection.close("the test is over")
        await asyncio.wait_for(self._task, SOON_S)

    async def closed(self, number):
        async with asyncio.timeout(SOON_S):
            while len(self.heard) < number:
                await asyncio.sleep(0.005)
        return [(type(each).__name__, each.bar.series.name, each.bar.close) for each in self.heard]


def test_the_stream_logs_in_subscribes_and_brings_bars_and_their_corrections():
    async def play():
        fault = Fault(kind=FaultKind.CORRECT, first_ms=at(1), until_ms=at(2), symbol="MSFT", delay_s=20)
        async with server(fault) as of, Reader(of) as reader:
            await of.advance(at(2.5))
            return reader.up, await reader.closed(5)

    up, heard = run(play())
    assert up == [AAPL, MSFT]
    assert heard == [
        ("Closed", "AAPL", BARS[0].close), ("Closed", "MSFT", BARS[0].close), ("Closed", "AAPL", BARS[1].close),
        ("Closed", "MSFT", mistaken(BARS[1]).close), ("Revision", "MSFT", BARS[1].close),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "key", "ended"),
    [
        pytest.param({}, {"secret_key": "x"}, Ended("the venue refuses: auth failed (402)", lasting=True), id="402"),
        pytest.param({"connections": 0}, {}, Ended("the venue refuses: connection limit exceeded (406)"), id="406"),
        pytest.param(
            {"symbols": 1}, {}, Ended("the venue refuses: symbol limit exceeded (405)", lasting=True), id="405"
        ),
    ],
)
def test_a_refusal_ends_the_connection_and_says_whether_it_lasts(options, key, ended):
    async def play():
        async with server(**options) as of:
            return await asyncio.wait_for(Reader(of, **key).connection.run(), SOON_S)

    assert run(play()) == ended


def test_a_drop_ends_the_connection_and_the_next_one_may_come():
    async def play():
        async with server(Fault(kind=FaultKind.DROP, first_ms=at(1.5))) as of:
            first = Reader(of)
            ended = asyncio.create_task(first.connection.run())
            await asyncio.wait_for(first.connection.is_up.wait(), SOON_S)
            await of.advance(at(2))
            why = await asyncio.wait_for(ended, SOON_S)
            async with Reader(of) as second:
                await of.advance(at(3))
                return why.lasting, len(await first.closed(2)), await second.closed(2)

    lasting, before, after = run(play())
    assert (lasting, before) == (False, 2)
    assert after == [("Closed", "AAPL", BARS[2].close), ("Closed", "MSFT", BARS[2].close)]


async def ask(of, *series, first=0, last=9, **key):
    """What the history says of series, by series: bars or the refusal."""
    answers: dict[VenueSeries, Any] = {}

    def answered(one: VenueSeries, bars: Any, _until: Any) -> None:
        answers.setdefault(one, []).extend(bars)

    async with history.client() as http:
        loop = asyncio.get_running_loop()
        historian = Historian(alpaca(of.ws_url, of.rest_url, **key), http, room=lambda: True, clock=loop.time)
        for one in series:
            historian.ask(
                Question(
                    series=one,
                    first=moment(first),
                    last=moment(last),
                    urgency=Urgency.JOIN,
                    answered=partial(answered, one),
                    refused=partial(answers.__setitem__, one),
                )
            )
        runs = asyncio.create_task(historian.run())
        async with asyncio.timeout(SOON_S):
            while set(answers) != set(series):
                await asyncio.sleep(0.005)
        runs.cancel()
    return answers


def test_history_of_many_symbols_comes_in_pages():
    async def play():
        async with server(rows=7) as of:
            await of.advance(at(20))
            return await ask(of, AAPL, MSFT), of.requested

    answers, requested = run(play())
    assert {name: [bar.timestamp for bar in bars] for name, bars in answers.items()} == {
        each: [moment(0) + timedelta(minutes=step) for step in range(10)] for each in (AAPL, MSFT)
    }
    assert [request.get("page_token") for request in requested] == [None, "7", "14"]
    assert {request["symbols"] for request in requested} == {"AAPL,MSFT"}


def test_a_refused_symbol_does_not_cost_the_others_their_history():
    unknown = VenueSeries("NOPE", "1m")

    async def play():
        async with server() as of:
            await of.advance(at(20))
            return await ask(of, AAPL, unknown, MSFT)

    answers = run(play())
    assert "invalid symbol: NOPE" in answers[unknown]
    assert len(answers[AAPL]) == len(answers[MSFT]) == 10


def test_too_many_requests_are_asked_again_as_told():
    async def play():
        async with server(
            Fault(kind=FaultKind.FAIL, first_ms=at(20), until_ms=at(21), status=429, retry_after_s=1)
        ) as of:
            await of.advance(at(20))
            asked = asyncio.create_task(ask(of, AAPL))
            async with asyncio.timeout(SOON_S):
                while not of.requested:
                    await asyncio.sleep(0.005)
            await of.advance(at(21))
            return len((await asked)[AAPL]), len(of.requested)

    assert run(play()) == (10, 2)


def test_a_wrong_key_is_refused_by_history_too():
    async def play():
        async with server() as of:
            return await ask(of, AAPL, secret_key="x")

    assert "401" in run(play())[AAPL]
