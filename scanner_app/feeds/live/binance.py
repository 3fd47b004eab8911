"""Binance spot: kline streams, which need no key, and klines by REST for history.

Written from the documentation in the repository binance/binance-spot-api-docs (web-socket-streams.md and rest-api.md,
read 2026-11-29): combined streams at /stream with SUBSCRIBE messages; `x` says that a kline is closed; a ping every
20 s, a pong wanted within a minute; at most 5 messages a second from us, pongs included, and 1,024 streams a
connection; the end after 24 h, and a `serverShutdown` event before an earlier end; GET /api/v3/klines of weight 2 with
at most 1,000 klines, of a budget of 6,000 weights a minute. A minute without a trade has a kline too.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from scanner_app.feeds.live.venue import (
    Answer,
    Closed,
    Forming,
    HistoryLater,
    HistoryRefused,
    Message,
    Page,
    Query,
    Refused,
    Renew,
    Request,
    Subscribed,
    Traits,
    VenueBar,
    VenueSeries,
)

TIMEFRAMES: Final = frozenset(
    ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
)
"""Their intervals, which have our names."""

BAD_SYMBOL: Final = -1121
"""Their error code for an instrument that they do not have."""


class Binance:
    """The venue `binance`."""

    name = "binance"
    traits = Traits(
        timeframes=TIMEFRAMES,
        calendar="24/7",
        always_sends=True,
        history_is_truth=True,
        closed_within_s=10,
        history_within_s=120,
        series_a_connection=1_000,
        series_a_message=200,
        messages_per_s=3,  # pongs and our own pings count too
        heartbeat_s=60,
        renew_after_s=23 * 3_600,
        bars_a_request=1_000,
        names_a_request=1,
        budget_units=4_000,  # two thirds of theirs: other programs may share the address
        budget_s=60,
        requests_at_once=4,
    )

    def __init__(self, *, ws_url: str, rest_url: str) -> None:
        self._ws_url = ws_url.rstrip("/")
        self._rest_url = rest_url.rstrip("/")

    def venue_name(self, ticker: str) -> str:
        """BTC/USDT and BTC-USDT are BTCUSDT there."""
        return ticker.replace("/", "").replace("-", "")

    def url(self, series: Sequence[VenueSeries]) -> str:  # noqa: ARG002 - all streams are at one address
        """The address of combined streams. What is wanted is subscribed to, since an address would get too long."""
        return f"{self._ws_url}/stream"

    def login(self) -> str | None:
        """None: public data."""
        return None

    def subscribe(self, series: Sequence[VenueSeries], number: int) -> str:
        """A SUBSCRIBE message."""
        return _control("SUBSCRIBE", series, number)

    def unsubscribe(self, series: Sequence[VenueSeries], number: int) -> str:
        """An UNSUBSCRIBE message."""
        return _control("UNSUBSCRIBE", series, number)

    def read(self, text: str | bytes) -> Sequence[Message]:
        """What a message says. Raises ValueError if it is not understood."""
        message = json.loads(text)
        if not isinstance(message, dict):
            raise ValueError("a message that is no object")
        data = message.get("data", message)
        match data:
            case {"e": "kline", "k": dict(kline)}:
                bar = _bar_of_stream(kline)
                return [Closed(bar) if kline.get("x") else Forming(bar)]
            case {"e": "serverShutdown"}:
                return [Renew("the venue shuts this server down")]
            case {"result": None, "id": _}:
                return [Subscribed()]
            case {"error": {"msg": said}} | {"msg": said, "code": _}:
                return [Refused(str(said))]
        return []

    def request(self, query: Query) -> Request:
        """Klines from `first` to `last`, or as many of them as fit."""
        return Request(
            url=f"{self._rest_url}/api/v3/klines",
            params={
                "symbol": query.names[0],
                "interval": query.timeframe,
                "startTime": _milliseconds(_from(query)),
                "endTime": _milliseconds(query.last),
                "limit": self.traits.bars_a_request,
            },
            cost=2,
        )

    def read_history(self, query: Query, answer: Answer) -> Page:
        """The klines; the next page begins after the last one."""
        body = json.loads(answer.body)
        if answer.status != 200:
            said = body.get("msg", "") if isinstance(body, dict) else ""
            if isinstance(body, dict) and body.get("code") == BAD_SYMBOL:
                raise HistoryRefused(f"{query.names[0]}: {said}")
            raise HistoryLater(f"status {answer.status}: {said}")
        series = VenueSeries(query.names[0], query.timeframe)
        bars = [_bar_of_history(series, row) for row in body]
        full = len(body) == self.traits.bars_a_request
        return Page(bars=bars, next_page=str(int(body[-1][0]) + 1) if full else "")


def _control(method: str, series: Sequence[VenueSeries], number: int) -> str:
    params = [f"{name.lower()}@kline_{timeframe}" for name, timeframe in series]
    return json.dumps({"method": method, "params": params, "id": number})


def _bar_of_stream(kline: dict[str, Any]) -> VenueBar:
    return VenueBar(
        series=VenueSeries(str(kline["s"]).upper(), str(kline["i"])),
        timestamp=_time(kline["t"]),
        open=float(kline["o"]),
        high=float(kline["h"]),
        low=float(kline["l"]),
        close=float(kline["c"]),
        volume=float(kline["v"]),
    )


def _bar_of_history(series: VenueSeries, row: Sequence[Any]) -> VenueBar:
    opened, open_, high, low, close, volume = row[:6]
    return VenueBar(
        series=series,
        timestamp=_time(opened),
        open=float(open_),
        high=float(high),
        low=float(low),
        close=float(close),
        volume=float(volume),
    )


def _from(query: Query) -> datetime:
    return _time(query.page) if query.page else query.first


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def _time(milliseconds: int | str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1_000, UTC)
