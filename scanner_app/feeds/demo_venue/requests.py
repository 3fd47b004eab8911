"""REST: what the venue answers to a request. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from scanner_app.feeds.demo_venue.faults import FaultKind
from scanner_app.feeds.demo_venue.klines import INTERVALS, as_row, opening

if TYPE_CHECKING:
    from scanner_app.feeds.demo_venue.script import Script
    from scanner_app.feeds.demo_venue.weights import Weights

WEIGHTS: Final = {"/api/v3/ping": 1, "/api/v3/time": 1, "/api/v3/klines": 2, "/api/v3/exchangeInfo": 20}
"""The routes that there are, and what a request of each weighs."""

DEFAULT_ROWS: Final = 500
MAX_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer in JSON."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body as it is sent."""
        return json.dumps(self.body, separators=(",", ":")).encode()


class BadParameter(ValueError):
    """A parameter is wrong: Binance's number of the error, and its words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer(path: str, script: Script, weights: Weights, *, now_ms: int, now_s: float) -> Answer:
    """What is answered to `GET path`. `now_ms` is the venue's clock, `now_s` (monotonic) that of the limits."""
    parts = urlsplit(path)
    if fault := script.active(FaultKind.FAIL, now_ms):
        return _refused(fault.status, fault.retry_after_s)
    if parts.path not in WEIGHTS:
        return Answer(status=HTTPStatus.NOT_FOUND, body={"code": -1000, "msg": f"No such route: {parts.path}"})
    status, wait_s = weights.ask(WEIGHTS[parts.path], now_s)
    if status != HTTPStatus.OK:
        return _refused(status, wait_s)
    headers = {"X-MBX-USED-WEIGHT-1M": str(weights.used)}
    parameters = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        return Answer(body=_body(parts.path, parameters, script, weights, now_ms), headers=headers)
    except BadParameter as exc:
        return Answer(status=HTTPStatus.BAD_REQUEST, body={"code": exc.code, "msg": str(exc)}, headers=headers)


def _refused(status: int, wait_s: float | None) -> Answer:
    # Binance answers in whole seconds, and one may ask again after them.
    headers = {} if wait_s is None else {"Retry-After": str(ceil(wait_s))}
    return Answer(status=status, body={"code": -1003, "msg": "Too many requests, or not now."}, headers=headers)


def _body(path: str, parameters: dict[str, str], script: Script, weights: Weights, now_ms: int) -> object:
    match path.rpartition("/")[2]:
        case "time":
            return {"serverTime": now_ms}
        case "exchangeInfo":
            return _exchange_info(parameters, script, weights, now_ms)
        case "klines":
            return _klines(parameters, script, now_ms)
    return {}


def _exchange_info(parameters: dict[str, str], script: Script, weights: Weights, now_ms: int) -> dict[str, object]:
    known = sorted({symbol for symbol, _ in script.truth.series})
    wanted = known
    if "symbols" in parameters:
        try:
            wanted = [str(each) for each in json.loads(parameters["symbols"])]
        except ValueError:
            raise BadParameter(-1100, "Illegal characters found in parameter 'symbols'.") from None
    elif "symbol" in parameters:
        wanted = [parameters["symbol"]]
    if not set(wanted) <= set(known):
        raise BadParameter(-1121, "Invalid symbol.")
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weights.limit}
    symbols = [{"symbol": each, "status": "TRADING", "isSpotTradingAllowed": True} for each in wanted]
    return {"timezone": "UTC", "serverTime": now_ms, "rateLimits": [limit], "exchangeFilters": [], "symbols": symbols}


def _klines(parameters: dict[str, str], script: Script, now_ms: int) -> list[list[object]]:
    symbol, interval = parameters.get("symbol", ""), parameters.get("interval", "")
    if not symbol:
        raise BadParameter(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    if interval not in INTERVALS:
        raise BadParameter(-1120, "Invalid interval.")
    if (symbol, interval) not in script.truth.series:
        raise BadParameter(-1121, "Invalid symbol.")
    rows = min(_number(parameters, "limit", DEFAULT_ROWS), MAX_ROWS)
    length_ms = INTERVALS[interval]
    last_ms = min(_number(parameters, "endTime", now_ms), now_ms)
    if "startTime" in parameters:  # the oldest from there on
        first_ms = _number(parameters, "startTime", 0)
    else:  # the newest
        first_ms = opening(last_ms, interval) - (rows - 1) * length_ms
    klines = islice(script.history(symbol, interval, first_ms, last_ms, now_ms), rows)
    return [as_row(each, interval) for each in klines]


def _number(parameters: dict[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadParameter(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)
