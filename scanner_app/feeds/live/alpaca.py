"""Alpaca, US stocks: minute bars with corrections, and the forming bar of the day; history by REST. Needs a key.

Written from Alpaca's documentation (docs.alpaca.markets: "Real-time Stock Data", "WebSocket Stream", "Historical bars",
as stored in 2026; read 2026-11-29). The stream: a `success` message, ours with the key, then subscriptions to the
channels `bars` (a minute, sent right after it), `updatedBars` (a minute again, because a trade came late) and
`dailyBars` (the day so far, each minute). Most accounts may have one connection, so none is opened beside another.
REST: GET /v2/stocks/bars for many symbols, 10,000 bars a page of all of them together, 200 requests a minute without
a subscription. A minute without a trade has no bar, on the stream and in history.

The day's bar has midnight of New York as its time there; here, as in the bundled series, midnight UTC of that date.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from scanner_app.domain.feed_entries import BRINGS
from scanner_app.feeds.live.venue import (
    Answer,
    Closed,
    Forming,
    HistoryLater,
    HistoryRefused,
    Message,
    Page,
    Query,
    Ready,
    Refused,
    Request,
    Revision,
    Subscribed,
    Traits,
    VenueBar,
    VenueSeries,
)

CHANNELS: Final = {"1m": ("bars", "updatedBars"), "1d": ("dailyBars",)}
"""What is subscribed to for a series, by its timeframe."""

NAMES: Final = {"1m": "1Min", "1d": "1Day"}
"""Their names of the timeframes."""

LASTING: Final = frozenset({402, 405, 409, 410})
"""Error codes of the stream that come again: a wrong key, too many symbols, not subscribed to this data.

406 is not one of them: another connection of the account may end, for example our own from before a break.
"""


class Alpaca:
    """The venue `alpaca`."""

    name = "alpaca"
    traits = Traits(
        timeframes=BRINGS["alpaca"],
        always_sends=False,
        history_is_truth=True,
        closed_within_s=10,
        history_within_s=60,
        series_a_connection=10_000,  # the account has one connection
        series_a_message=500,
        messages_per_s=4,
        heartbeat_s=60,
        bars_a_request=10_000,
        names_a_request=100,
        budget_units=150,
        budget_s=60,
        requests_at_once=2,
    )

    def __init__(self, *, ws_url: str, rest_url: str, key_id: str, secret_key: str) -> None:
        """`ws_url` ends with the source of the data, `iex` or `sip`; history is asked of the same."""
        self._ws_url = ws_url.rstrip("/")
        self._rest_url = rest_url.rstrip("/")
        self._source = self._ws_url.rpartition("/")[2]
        self._key_id = key_id
        self._secret_key = secret_key

    def venue_name(self, ticker: str) -> str:
        """BRK-B is BRK.B there."""
        return ticker.replace("-", ".").replace("/", ".")

    def url(self, series: Sequence[VenueSeries]) -> str:  # noqa: ARG002 - all is at one address
        """The address of the source."""
        return self._ws_url

    def login(self) -> str | None:
        """The message with the key."""
        return json.dumps({"action": "auth", "key": self._key_id, "secret": self._secret_key})

    def subscribe(self, series: Sequence[VenueSeries], number: int) -> str:  # noqa: ARG002 - messages have no numbers
        """A subscription to the channels of each series."""
        return _control("subscribe", series)

    def unsubscribe(self, series: Sequence[VenueSeries], number: int) -> str:  # noqa: ARG002
        """The end of these subscriptions."""
        return _control("unsubscribe", series)

    def read(self, text: str | bytes) -> Sequence[Message]:
        """What a message says: Alpaca sends lists of events."""
        return [message for event in json.loads(text) if (message := _message(event)) is not None]

    def request(self, query: Query) -> Request:
        """Bars of all symbols of the query, oldest first."""
        last = query.last + timedelta(days=1, seconds=-1) if query.timeframe == "1d" else query.last
        params: dict[str, str | int] = {
            "symbols": ",".join(query.names),
            "timeframe": NAMES[query.timeframe],
            "start": _text(query.first),
            "end": _text(last),  # inclusive
            "limit": self.traits.bars_a_request,
            "feed": self._source,
        }
        if query.page:
            params["page_token"] = query.page
        headers = {"APCA-API-KEY-ID": self._key_id, "APCA-API-SECRET-KEY": self._secret_key}
        return Request(url=f"{self._rest_url}/v2/stocks/bars", params=params, headers=headers)

    def read_history(self, query: Query, answer: Answer) -> Page:
        """The bars, and the token of the next page."""
        body = json.loads(answer.body)
        if answer.status != 200:
            said = f"status {answer.status}: {body.get('message', '') if isinstance(body, dict) else ''}"
            # 400 and 422: a symbol that they do not have; 401: the key.
            raise HistoryRefused(said) if answer.status in {400, 401, 404, 422} else HistoryLater(said)
        bars = [
            _bar(VenueSeries(name, query.timeframe), row)
            for name, rows in (body.get("bars") or {}).items()
            for row in rows
        ]
        return Page(bars=bars, next_page=body.get("next_page_token") or "")


def _control(action: str, series: Sequence[VenueSeries]) -> str:
    channels: dict[str, list[str]] = {}
    for name, timeframe in series:
        for channel in CHANNELS[timeframe]:
            channels.setdefault(channel, []).append(name)
    return json.dumps({"action": action, **channels})


def _message(event: Mapping[str, Any]) -> Message | None:
    match event:
        case {"T": "b", "S": str(name)}:
            return Closed(_bar(VenueSeries(name, "1m"), event))
        case {"T": "u", "S": str(name)}:
            return Revision(_bar(VenueSeries(name, "1m"), event))
        case {"T": "d", "S": str(name)}:
            return Forming(_bar(VenueSeries(name, "1d"), event))
        case {"T": "success", "msg": "authenticated"}:
            return Ready()
        case {"T": "subscription"}:
            return Subscribed()
        case {"T": "error", "code": code}:
            return Refused(f"{event.get('msg', '')} ({code})", lasting=code in LASTING)
    return None


def _bar(series: VenueSeries, row: Mapping[str, Any]) -> VenueBar:
    timestamp = datetime.fromisoformat(row["t"]).astimezone(UTC)
    if series.timeframe == "1d":
        timestamp = datetime.combine(timestamp.date(), time(tzinfo=UTC))  # from 04:00 or 05:00
    return VenueBar(
        series=series,
        timestamp=timestamp,
        open=float(row["o"]),
        high=float(row["h"]),
        low=float(row["l"]),
        close=float(row["c"]),
        volume=float(row["v"]),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
