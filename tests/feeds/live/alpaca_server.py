"""A server that speaks as Alpaca's market data does, on real sockets: for the tests of its venue.

Written from Alpaca's documentation ("WebSocket Stream", "Real-time Stock Data", "Historical bars"). It plays a script
of the demo's venue (feeds/demo_venue): closed bars are `b`, corrections of the stream `u`, forming bars are not sent.
"""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

from scanner_app.feeds.demo_venue.faults import Fault, FaultKind
from scanner_app.feeds.demo_venue.klines import INTERVALS

KEY, SECRET = "key-1", "secret-1"

TIMEFRAMES = {"1Min": "1m", "1Day": "1d"}


class AlpacaServer:
    """As Venue of the demo: while it is entered, it listens; `advance()` plays what is due."""

    def __init__(self, script, *, start_ms, connections=1, symbols=30, rows=10_000):
        self.script = script
        self.now_ms = start_ms
        self.connections = connections
        self.symbols = symbols  # that an account may subscribe to
        self.rows = rows  # a page, whatever the client asks for
        self.requested = []
        self.connected = 0
        self.port = 0
        self._clients = {}  # connection -> channel -> symbols
        self._sent = set()  # closed bars that were sent: what comes again is an update
        self._server: Any = None

    @property
    def ws_url(self):
        return f"ws://127.0.0.1:{self.port}/v2/iex"

    @property
    def rest_url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def subscribed(self):
        return {symbol for channels in self._clients.values() for symbol in channels.get("bars", ())}

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_exc):
        await self.stop()

    async def start(self):
        self._server = await serve(
            self._serve, "127.0.0.1", self.port, process_request=self._process, ping_interval=10, close_timeout=0.5
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        for client in list(self._clients):
            client.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def advance(self, now_ms):
        due = [*self.script.moments(self.now_ms, now_ms), *self.script.messages(self.now_ms, now_ms)]
        self.now_ms = now_ms
        for each in sorted(due, key=lambda one: one.first_ms if isinstance(one, Fault) else one.at_ms):
            if isinstance(each, Fault):
                for client in list(self._clients):
                    client.transport.abort()
            elif each.closed and not self.script.active(FaultKind.MUTE, each.at_ms):
                self._send(each)

    def _send(self, message):
        key = (message.symbol, message.interval, message.kline.open_ms)
        kind, channel = ("u", "updatedBars") if key in self._sent else ("b", "bars")
        self._sent.add(key)
        event = {"T": kind, "S": message.symbol, **row(message.kline)}
        to = [client for client, channels in self._clients.items() if message.symbol in channels.get(channel, ())]
        broadcast(to, json.dumps([event]))

    async def _serve(self, connection):
        with suppress(ConnectionClosed):
            await say(connection, {"T": "success", "msg": "connected"})
            login = json.loads(await asyncio.wait_for(connection.recv(), 10))
            if (login.get("key"), login.get("secret")) != (KEY, SECRET):
                await say(connection, {"T": "error", "code": 402, "msg": "auth failed"})
                return
            if len(self._clients) >= self.connections:
                await say(connection, {"T": "error", "code": 406, "msg": "connection limit exceeded"})
                return
            self._clients[connection] = {}
            self.connected += 1
            await say(connection, {"T": "success", "msg": "authenticated"})
            try:
                async for text in connection:
                    await self._obey(connection, json.loads(text))
            finally:
                del self._clients[connection]

    async def _obey(self, connection, message):
        channels = self._clients[connection]
        for channel in ("bars", "updatedBars", "dailyBars"):
            wanted = set(message.get(channel, []))
            had = channels.get(channel, set())
            channels[channel] = had | wanted if message["action"] == "subscribe" else had - wanted
        if len(channels["bars"]) > self.symbols:
            await say(connection, {"T": "error", "code": 405, "msg": "symbol limit exceeded"})
            await connection.close()
            return
        told = {channel: sorted(channels[channel]) for channel in channels}
        await say(connection, {"T": "subscription", "trades": [], "quotes": [], **told})

    async def _process(self, connection, request):
        if "upgrade" in request.headers:
            refused = self.script.active(FaultKind.REFUSE, self.now_ms)
            return connection.respond(refused.status, "Not now.\n") if refused else None
        status, body, headers = self._answer(request)
        encoded = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(encoded)), **headers}
        return Response(status, "As it is", Headers({**headers, "Connection": "close"}), encoded)

    def _answer(self, request):
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(request.path).query).items()}
        self.requested.append(asked)
        if (request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")) != (KEY, SECRET):
            return 401, {"message": "unauthorized"}, {}
        if fault := self.script.active(FaultKind.FAIL, self.now_ms):
            after = {} if fault.retry_after_s is None else {"Retry-After": f"{fault.retry_after_s:.0f}"}
            return fault.status, {"message": "too many requests."}, after
        symbols, interval = asked["symbols"].split(","), TIMEFRAMES[asked["timeframe"]]
        known = {symbol for symbol, _ in self.script.truth.series}
        if strange := [symbol for symbol in symbols if symbol not in known]:
            return 400, {"message": f"invalid symbol: {strange[0]}"}, {}
        first, last = (datetime.fromisoformat(asked[name]).timestamp() * 1000 for name in ("start", "end"))
        found = [
            (symbol, kline)
            for symbol in sorted(symbols)
            for kline in self.script.history(symbol, interval, int(first), int(last), self.now_ms)
            if kline.open_ms + INTERVALS[interval] <= self.now_ms  # theirs has closed minutes alone
        ]
        begin = int(asked.get("page_token", "0"))
        end = begin + min(self.rows, int(asked["limit"]))
        bars: dict[str, list[Any]] = {}
        for symbol, kline in found[begin:end]:
            bars.setdefault(symbol, []).append(row(kline))
        return 200, {"bars": bars, "next_page_token": str(end) if end < len(found) else None}, {}


def row(kline):
    moment = datetime.fromtimestamp(kline.open_ms / 1000, UTC)
    values = {"o": kline.open, "h": kline.high, "l": kline.low, "c": kline.close, "v": kline.volume}
    return {"t": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), **values, "n": 1, "vw": kline.close}


async def say(connection, event):
    await connection.send(json.dumps([event]))
