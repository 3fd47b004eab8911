"""The messages that a client sends: which streams it wants, and what it is answered. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

MAX_STREAMS: Final = 1_024
"""Streams that a connection may have."""

METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class TooMany(ValueError):
    """More streams than a connection may have: it is ended."""


@dataclass(slots=True, kw_only=True)
class Subscriptions:
    """The streams of one connection. `combined`: each event comes with the name of its stream."""

    streams: set[str] = field(default_factory=set)
    combined: bool = False
    most: int = MAX_STREAMS

    def obey(self, text: str | bytes) -> dict[str, object]:
        """Do what a message asks for. Returns the answer. Raises TooMany."""
        try:
            message = json.loads(text)
        except ValueError:
            return {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}
        if not isinstance(message, dict) or "method" not in message:
            return {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 1"}
        number = message.get("id")
        if isinstance(number, bool) or not (number is None or isinstance(number, int | str)):
            return {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}
        method, parameters = message["method"], message.get("params", [])
        if method not in METHODS:
            one_of = ", ".join(f"`{each}`" for each in METHODS)
            return {"code": 2, "msg": f"Invalid request: unknown variant {method}, expected one of {one_of}"}
        if not isinstance(parameters, list):
            return {"code": 2, "msg": "Invalid request: params must be an array", "id": number}
        return {**self._do(method, parameters), "id": number}

    def add(self, names: list[str]) -> None:
        """More streams. A name that is no stream's is taken like any other, as at Binance: nothing comes of it."""
        self.streams |= set(names)
        if len(self.streams) > self.most:
            raise TooMany(f"{len(self.streams)} streams; a connection may have {self.most}")

    def _do(self, method: str, parameters: list[Any]) -> dict[str, object]:
        result: object = None
        match method:
            case "SUBSCRIBE":
                self.add([str(each) for each in parameters])
            case "UNSUBSCRIBE":
                self.streams -= {str(each) for each in parameters}
            case "LIST_SUBSCRIPTIONS":
                result = sorted(self.streams)
            case "GET_PROPERTY" if parameters == ["combined"]:
                result = self.combined
            case "SET_PROPERTY" if parameters[:1] == ["combined"] and isinstance(parameters[-1], bool):
                self.combined = parameters[-1]
            case _:
                return {"code": 0, "msg": "Unknown property"}
        return {"result": result}


def of_path(path: str, *, most: int = MAX_STREAMS) -> Subscriptions | None:
    """What a connection to this path is subscribed to from the start; None if there is no such path. Raises TooMany.

    `/ws` and `/ws/<stream>` give bare events, `/stream?streams=<stream>/<stream>` gives them with their stream's name.
    """
    parts = urlsplit(path)
    first, *rest = parts.path.strip("/").split("/")
    if first == "ws":
        found = Subscriptions(most=most)
        found.add([each for each in rest if each])
        return found
    if first == "stream" and not rest:
        found = Subscriptions(combined=True, most=most)
        found.add([each for each in parse_qs(parts.query).get("streams", [""])[-1].split("/") if each])
        return found
    return None
