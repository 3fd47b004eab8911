"""The stream over HTTP: 200 readers of real web processes, signals by real workers, a reader that is cut."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import bars_of
from tests.waiting import wait_until

READERS, BARS = 200, 20


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path, request.param, SCANNER_DETECTORS="tests.integration.detectors.EachBar") as running:
        yield running


class Reader:
    """Reads the stream in a thread; it goes on after its last event when it was cut."""

    def __init__(self, stack: Stack, **query: str) -> None:
        self.stack, self.query = stack, query
        self.events: list[dict[str, Any]] = []
        self.status = 0
        self._response: httpx.Response | None = None
        self._client: httpx.Client | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> "Reader":
        headers = {"Authorization": self.stack.http.headers["Authorization"]}
        if self.events:
            headers["Last-Event-ID"] = self.events[-1]["id"]
        self._client = httpx.Client(base_url=self.stack.http.base_url, headers=headers, timeout=60)
        request = self._client.build_request("GET", "signals/stream", params=self.query)
        self._response = self._client.send(request, stream=True)
        self.status = self._response.status_code
        self._thread = threading.Thread(target=self._read, args=[self._response], daemon=True)
        self._thread.start()
        return self

    def _read(self, response: httpx.Response) -> None:
        event: dict[str, Any] = {}
        try:
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if not line:
                    if "data" in event:
                        self.events.append(event)
                    event = {}
                elif name:
                    event[name] = json.loads(value) if name == "data" else value
        except (httpx.HTTPError, httpx.StreamError, AttributeError, OSError):
            return  # it was cut

    def cut(self) -> None:
        assert self._client is not None
        assert self._thread is not None
        assert self._response is not None
        with suppress(OSError):  # the other side has closed it already
            self._response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        self._client.close()


def test_200_readers_get_every_signal_once_and_the_api_answers_meanwhile(stack):
    stack.post_bars(bars_of("TSLA", 1) + bars_of("AAPL", 1))
    stack.wait_for_empty_backlog()
    with ExitStack() as after:
        readers = [Reader(stack).open() for _ in range(READERS)]
        tesla = Reader(stack, symbol="tsla").open()
        for reader in [*readers, tesla]:
            after.callback(reader.cut)
        assert {reader.status for reader in [*readers, tesla]} == {200}

        stack.post_bars(bars_of("TSLA", BARS, first=1) + bars_of("AAPL", BARS, first=1))
        stack.wait_for_empty_backlog()

        wait_until(lambda: all(len(one.events) >= 2 * BARS for one in readers), "all have all", deadline_s=60)
        wait_until(lambda: len(tesla.events) >= BARS, "the one for TSLA, too")
        assert stack.get("/readyz").status_code == 200

    listed = {row["id"]: row for row in stack.rows("signals")}
    for reader in readers:
        assert [int(one["id"]) for one in reader.events] == list(
            range(int(reader.events[0]["id"]), int(reader.events[0]["id"]) + 2 * BARS)
        )
        assert {one["data"]["id"] for one in reader.events} <= set(listed)
    assert all(one["data"] == listed[one["data"]["id"]] for one in readers[0].events), "as the list has them"
    assert [one["data"]["symbol"] for one in tesla.events] == ["TSLA"] * BARS
    times = [one["data"]["timestamp"] for one in tesla.events]
    assert times == sorted(times)


def test_a_reader_that_is_cut_goes_on_where_it_was(stack):
    stack.post_bars(bars_of("TSLA", 1))
    stack.wait_for_empty_backlog()
    reader = Reader(stack).open()
    first, seen = 1, 0

    def something_came() -> bool:
        return len(reader.events) > seen

    for _ in range(8):
        stack.post_bars(bars_of("TSLA", 10, first=first))
        first += 10
        seen = len(reader.events)
        wait_until(something_came, "something comes")
        reader.cut()
        reader.open()

    wait_until(lambda: len(reader.events) >= 80, "all have come", deadline_s=60)
    reader.cut()
    numbers = [int(one["id"]) for one in reader.events]
    assert numbers == list(range(numbers[0], numbers[0] + 80))
    assert {one["event"] for one in reader.events} == {"signal"}


def test_a_wrong_id_or_list_is_refused(stack):
    assert stack.http.get("signals/stream", headers={"Last-Event-ID": "x"}).status_code == 400
    assert stack.http.get("signals/stream", params={"watchlist": 99}).status_code == 404
    assert list(stack.http.get("signals/stream", params={"direction": "up"}).json()) == ["direction"]
    assert stack.http.get("signals/stream", headers={"Authorization": ""}).status_code == 401
