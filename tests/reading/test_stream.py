"""The stream as events: it goes on where it was cut, without a gap or a repeat."""

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from scanner_app.models import StreamEntry, StreamState
from scanner_app.reading import stream, stream_events
from scanner_app.signals import numbering
from tests import loops
from tests.signals.conftest import make_hit, make_rule
from tests.signals.test_numbering import add_signal, in_thread, symbol_with_a_bar

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_transactions")]


def everything(_event: Any) -> bool:
    return True


@pytest.fixture(autouse=True)
def follower(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[stream.Follower]:
    """A follower of the test's own, at a database whose numbering has begun."""
    StreamState.objects.get_or_create(pk=StreamState.THE_ROW)
    numbering.number_new(timezone.now())
    own = stream.Follower()
    monkeypatch.setattr(stream, "FOLLOWER", own)
    monkeypatch.setattr(stream, "LOOK_S", 0.02)
    yield own
    thread = own._thread
    if thread is not None:
        thread.join(10)
    own._readers.submit(_close).result()


def _close() -> None:
    connection.close()


def events_of(text: bytes) -> list[dict[str, Any]]:
    """The events with data in a piece of the stream."""
    found = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and ": " in line)
        if "data" in fields:
            found.append({"id": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])})
    return found


class Loop:
    """Notes how often it is asked to wake a stream."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def call_soon_threadsafe(self, _wake: Any) -> None:
        self._done.append("woken")


def last() -> int:
    return numbering.progress().last


async def take(start: int, count: int, *, newest: int | None = None, wanted: Any = everything) -> list[dict[str, Any]]:
    """At least `count` events after a number, then the reader is cut."""
    newest = await asyncio.to_thread(last_and_close) if newest is None else newest
    taken: list[dict[str, Any]] = []
    opened = stream.open_stream(start, wanted, last=newest)
    try:
        async with asyncio.timeout(30):
            async for piece in opened:
                taken += events_of(piece)
                if len(taken) >= count:
                    return taken
    finally:
        await opened.aclose()
    return taken


def last_and_close() -> int:
    try:
        return last()
    finally:
        _close()


class Clock:
    """Time that passes while somebody sleeps, a little longer than asked."""

    def __init__(self, slept: Callable[[], object] = lambda: None, *, overslept: float = 0.0) -> None:
        self.now = 0.0
        self._slept, self._overslept = slept, overslept

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self._overslept
        self._slept()


def test_many_streams_are_woken_in_groups_with_a_pause_after_each(
    follower: stream.Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    clock = Clock(lambda: done.append("pause"))
    monkeypatch.setattr(stream, "WOKEN_AT_ONCE", 2)
    monkeypatch.setattr(stream, "time", clock)
    loop: Any = Loop(done)
    follower._waiting = {(loop, asyncio.Event()) for _ in range(5)}

    follower._wake()

    assert done == ["woken", "woken", "pause", "woken", "woken", "pause", "woken"]


@pytest.mark.parametrize(
    ("streams", "seconds"), [(1, 0.0), (6, stream.WAKE_PAUSE_S), (1_000, stream.SPREAD_S * 199 / 200)]
)
@pytest.mark.parametrize("overslept", [0.0, 0.05])
def test_what_many_streams_cost_is_spread_and_few_are_woken_soon(
    follower: stream.Follower, monkeypatch: pytest.MonkeyPatch, streams: int, seconds: float, overslept: float
) -> None:
    clock = Clock(overslept=overslept)
    monkeypatch.setattr(stream, "time", clock)
    loop: Any = Loop([])
    follower._waiting = {(loop, asyncio.Event()) for _ in range(streams)}

    follower._wake()

    assert seconds <= clock.now + 1e-9 <= seconds + overslept + 1e-6  # what is slept too long is made up for


def test_a_signal_comes_as_the_list_has_it(client):
    symbol = symbol_with_a_bar()
    began = last()
    row = add_signal(symbol, "A")

    (event,) = loops.run(take(began, 1))

    assert (event["id"], event["event"]) == (began + 1, "signal")
    assert event["data"]["id"] == row.pk
    assert (event["data"]["symbol"], event["data"]["pattern"]) == ("TSLA", "A")


def test_what_was_forgotten_meanwhile_is_said_to_be_a_gap():
    symbol = symbol_with_a_bar()
    began = last()
    for pattern in ("A", "B"):
        add_signal(symbol, pattern)
    numbering.number_new(timezone.now())
    StreamEntry.objects.filter(number=began + 1).update(at=timezone.now() - numbering.KEPT - timedelta(minutes=1))
    for _ in range(2):  # on PostgreSQL the second look is sure that they are done
        numbering.number_new(timezone.now())
    add_signal(symbol, "C")

    gap, second, third = loops.run(take(began, 3))

    assert (gap["event"], gap["data"]["after"], gap["data"]["up_to"]) == ("gap", began, began + 1)
    assert [second["data"]["pattern"], third["data"]["pattern"]] == ["B", "C"]


def test_a_number_of_another_database_is_said_to_be_a_gap():
    symbol = symbol_with_a_bar()
    began = last()

    def add_and_close() -> None:
        add_signal(symbol, "A")
        _close()

    async def read() -> list[dict[str, Any]]:
        taking = asyncio.ensure_future(take(began + 1_000, 2, newest=began))
        await asyncio.to_thread(add_and_close)
        return await taking

    gap, signal = loops.run(read())

    assert gap["event"] == "gap"
    assert signal["data"]["pattern"] == "A"


def test_a_reader_that_is_cut_again_and_again_misses_nothing_and_gets_nothing_twice(monkeypatch):
    monkeypatch.setattr(stream, "REMEMBERED", 20)
    monkeypatch.setattr(stream_events, "AT_ONCE", 10)
    symbols = [symbol_with_a_bar(f"S{one}") for one in range(4)]
    began, each, dice = last(), 60, random.Random(5)  # noqa: S311 - no secret
    wanted = 4 * each

    def write(symbol: Any) -> None:
        for one in range(each):
            add_signal(symbol, f"{symbol.ticker} {one:03}")

    async def read() -> list[dict[str, Any]]:
        taken: list[dict[str, Any]] = []
        # Another stream stays open, so that there is something in memory.
        other = asyncio.ensure_future(take(began, wanted))
        while len(taken) < wanted:
            at = taken[-1]["id"] if taken else began
            taken += await take(at, min(dice.randint(1, 9), wanted - len(taken)))
            if dice.random() < 0.3:
                await asyncio.sleep(0.05)  # so that it falls behind what is in memory
        assert [one["id"] for one in await other] == [one["id"] for one in taken]
        return taken

    writers = [in_thread(partial(write, symbol)) for symbol in symbols]
    taken = loops.run(read())
    for thread in writers:
        thread.join()

    assert [one["id"] for one in taken] == list(range(began + 1, began + 1 + wanted))
    for symbol in symbols:
        mine = [one["data"]["pattern"] for one in taken if one["data"]["symbol"] == symbol.ticker]
        assert mine == [f"{symbol.ticker} {one:03}" for one in range(each)]


def test_the_thread_ends_with_the_last_stream(follower):
    symbol = symbol_with_a_bar()
    add_signal(symbol, "A")

    loops.run(take(last() - 1, 1))

    thread = follower._thread
    if thread is not None:
        thread.join(10)
    assert follower.streams == 0
    assert not [one for one in threading.enumerate() if one.name == "stream"]


def test_a_silent_stream_gets_a_comment_with_the_number_it_has_come_to(monkeypatch):
    monkeypatch.setattr(stream, "SILENCE_S", 0.05)
    symbol = symbol_with_a_bar()
    began = last()
    add_signal(symbol, "A")

    async def read() -> bytes:
        opened = stream.open_stream(began, lambda _event: False, last=began)
        text = b""
        async with asyncio.timeout(20):
            async for piece in opened:
                text += piece
                if b"id: %d\n" % (began + 1) in text:
                    break
        await opened.aclose()
        return text

    assert b"id: %d\n: \n\n" % (began + 1) in loops.run(read())


def test_a_stream_ends_after_its_time_with_the_number_it_has_come_to(monkeypatch, follower):
    monkeypatch.setattr(stream, "LASTS_S", 0.2)
    monkeypatch.setattr(stream, "SILENCE_S", 0.05)
    symbol = symbol_with_a_bar()
    began = last()
    add_signal(symbol, "A")

    async def read() -> list[bytes]:
        async with asyncio.timeout(20):
            return [piece async for piece in stream.open_stream(began, everything, last=began)]

    pieces = loops.run(read())

    assert [one["data"]["pattern"] for one in events_of(b"".join(pieces))] == ["A"]
    assert pieces[-1] == b"id: %d\n: \n\n" % (began + 1)
    assert follower.streams == 0


def test_a_hit_says_whose_rule_it_is():
    rule = make_rule(shared=True)
    began = last()
    hit = make_hit(rule, timezone.now())
    numbering.number_new(timezone.now())

    (event,), upto = stream_events.read(began)

    assert (event.kind, event.owner, event.shared, upto) == ("hit", rule.owner_id, True, began + 1)
    assert events_of(event.text)[0]["data"]["id"] == hit.pk


def test_too_many_streams_are_refused(monkeypatch):
    monkeypatch.setattr(stream, "MOST_STREAMS", 0)

    with pytest.raises(stream.TooManyStreams):
        stream.open_stream(0, everything, last=0)


def test_streams_go_on_after_a_failure(monkeypatch, follower: stream.Follower):
    monkeypatch.setattr(stream, "AFTER_AN_ERROR_S", 0.02)
    symbol = symbol_with_a_bar()
    began = last()
    add_signal(symbol, "A")
    look, failures = follower._look, [OperationalError("away"), ValueError("a bug")]

    def fail_first() -> bool:
        if failures:
            raise failures.pop()
        return look()

    monkeypatch.setattr(follower, "_look", fail_first)

    (event,) = loops.run(take(began, 1))

    assert (event["data"]["pattern"], failures) == ("A", [])
