"""JSON, or one JSON value a line, as a stream of its innermost parts: only one of them is in memory at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, Literal, NamedTuple

import ijson

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.names import PRICES, field_of

CHUNK: Final = 64 << 10
"""Bytes parsed at a time."""

DEEPEST: Final = 40
"""Containers in containers, at most."""

LONGEST: Final = 1_000_000
"""Values of one array, or object, of plain values, at most: that much is held in memory."""

_FOLDED: Final = frozenset({"hd", "k"})
"""Objects in a line's object whose values are the bar's: Databento's header, Binance's bar."""

SILENT: Final = 8 << 20
"""Bytes without the end of a value after which the file is given up."""

Kind = Literal["row", "column", "keyed", "meta"]


class Leaf(NamedTuple):
    """A part of a document. `path` are the keys, and in arrays the numbers, down to its container.

    A row's own array has `*` in place of a number: all of its rows have one path.
    row: an object or an array in an array (or a line); column: an array under the key `key`; keyed: an object
    under the key `key`; meta: the plain values of an object that has more than these.
    """

    kind: Kind
    path: tuple[str, ...]
    key: str
    value: Any


@dataclass(slots=True)
class _Frame:
    is_map: bool
    key: str = ""
    values: Any = None
    nested: bool = False
    count: int = 0

    @property
    def place(self) -> str:
        """The key, or the number, of the item that is being read."""
        return self.key if self.is_map else str(self.count)


def leaves(name: str, file: IO[bytes], codec: str) -> Iterator[Leaf]:
    """Yield the innermost parts of a file of JSON. Raises FeedError if it is none, or made to exhaust memory."""
    events: Any = ijson.sendable_list()
    parse = ijson.basic_parse_coro(events, use_float=True, multiple_values=True)
    stack: list[_Frame] = []
    silent = done = 0
    try:
        for chunk in _chunks(file, codec):
            done += len(chunk)
            parse.send(chunk)
            silent = 0 if events else silent + len(chunk)
            if silent > SILENT:
                raise FeedError(f"{name}: has a single value of more than {SILENT >> 20} MB; this is no file of prices")
            for event, value in events:
                yield from _step(name, stack, event, value)
            del events[:]
        parse.close()
    except (ijson.JSONError, UnicodeDecodeError) as exc:
        raise FeedError(f"{name}: cannot be read as JSON near byte {done:,}: {_short(exc)}") from exc
    if stack:
        raise FeedError(f"{name}: its JSON is cut off")


def _short(exc: Exception) -> str:
    text = exc.args[0] if exc.args else exc
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).strip().splitlines()[0][:200]


def _chunks(file: IO[bytes], codec: str) -> Iterator[bytes]:
    if codec == "utf-8":
        while data := file.read(CHUNK):
            yield data
        return
    decoder = codecs.getincrementaldecoder(codec)()
    while data := file.read(CHUNK):
        yield decoder.decode(data).encode()


def _step(name: str, stack: list[_Frame], event: str, value: Any) -> Iterator[Leaf]:
    if event == "map_key":
        stack[-1].key = value
    elif event.startswith("start_"):
        if len(stack) >= DEEPEST:
            raise FeedError(f"{name}: its JSON is more than {DEEPEST} levels deep")
        is_map = event == "start_map"
        stack.append(_Frame(is_map, values={} if is_map else []))
    elif event.startswith("end_"):
        yield from _end(stack)
    elif stack:
        top = stack[-1]
        if len(top.values) >= LONGEST:
            raise FeedError(f"{name}: has an array of more than {LONGEST:,} values; write one object a bar")
        if top.is_map:
            top.values[top.key] = value
        else:
            top.values.append(value)


def _end(stack: list[_Frame]) -> Iterator[Leaf]:
    frame = stack.pop()
    path = tuple(each.place for each in stack)
    parent = stack[-1] if stack else None
    in_array = parent is None or not parent.is_map
    if parent is not None:
        parent.count += 1
    if (
        not frame.nested
        and frame.is_map
        and parent is not None
        and not in_array
        and (not stack[-2].is_map if stack[:-1] else parent.key in _FOLDED)
    ):
        # OANDA's prices are in an object of their own within each bar.
        for key, value in frame.values.items():
            parent.values.setdefault(key, value)
        return
    if parent is not None and (frame.values or frame.nested):
        parent.nested = True
    if frame.values and (leaf := _leaf(frame, path, in_array=in_array)) is not None:
        yield leaf


def _leaf(frame: _Frame, path: tuple[str, ...], *, in_array: bool) -> Leaf | None:
    """Return what a container is that has ended; None for an array of other things than plain values."""
    rows_path = (*path[:-1], "*")
    if frame.nested:
        if not frame.is_map:
            return None
        bar = sum(1 for key in frame.values if (known := field_of(key)) and known[0] in PRICES) >= len(PRICES)
        return Leaf("row", rows_path, "", frame.values) if bar else Leaf("meta", path, "", frame.values)
    if in_array:
        return Leaf("row", rows_path, "", frame.values)
    return Leaf("keyed" if frame.is_map else "column", path[:-1], path[-1], frame.values)
