"""Many readers of `GET signals/stream` in one process: what each has got, for benchmarks.streams.

Says `open` once all streams are open; then reads a number from its input, waits until every reader has come to it, and
prints as JSON what each got. Ends by itself when its input is closed.
`python -m benchmarks.stream_readers HOST:PORT TOKEN NUMBER`
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime

AT_ONCE = 20
"""Connections that are opened at a time."""

PATIENCE_S = 60.0
"""Seconds for all to open, and for the last event to come to all."""

TIMED_EVERY = 20
"""Of one stream in so many each event's time is read; of all of them, that would cost more than is measured."""

READ = 1 << 16
EVENT = re.compile(rb"id: (\d+)\nevent: signal\ndata: (.*)\n")


@dataclass(slots=True)
class Got:
    """What one reader has got."""

    timed: bool
    numbers: list[int] = field(default_factory=list)
    after_s: list[float] = field(default_factory=list)  # from the signal's commit, or just before, until it came
    text: bytes = b""  # of an event whose end has not come yet

    def take(self, text: bytes) -> None:
        """Count what has come. Each event is within one chunk of the answer, so their frames are between events."""
        whole, end, self.text = (self.text + text).rpartition(b"\n\n")
        for number, data in EVENT.findall(whole + end):
            self.numbers.append(int(number))
            if self.timed:
                made = datetime.fromisoformat(json.loads(data)["created_at"])
                self.after_s.append(time.time() - made.timestamp())


async def main(address: str, token: str, number: int) -> None:
    """Open all, read, report."""
    readers = [Got(timed=place % TIMED_EVERY == 0) for place in range(number)]
    gate = asyncio.Semaphore(AT_ONCE)
    opened = await asyncio.wait_for(asyncio.gather(*(_open(address, token, gate) for _ in readers)), PATIENCE_S)
    tasks = [asyncio.create_task(_read(stream, got)) for (stream, _writer), got in zip(opened, readers, strict=True)]
    print("open", flush=True)  # noqa: T201
    asked = (await asyncio.to_thread(sys.stdin.readline)).strip()
    if asked:
        deadline = time.monotonic() + PATIENCE_S
        while any(not got.numbers or got.numbers[-1] < int(asked) for got in readers) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        print(json.dumps({"streams": [_report(got) for got in readers], "after_s": _all_times(readers)}), flush=True)  # noqa: T201


def _report(got: Got) -> dict[str, object]:
    return {
        "count": len(got.numbers),
        "last": got.numbers[-1] if got.numbers else None,
        "in_order": all(one < other for one, other in zip(got.numbers, got.numbers[1:], strict=False)),
    }


def _all_times(readers: list[Got]) -> list[float]:
    return [round(one, 4) for got in readers for one in got.after_s]


async def _open(address: str, token: str, gate: asyncio.Semaphore) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream whose first line has come. Raises RuntimeError if it is refused."""
    host, _, port = address.partition(":")
    async with gate:
        reader, writer = await asyncio.open_connection(host, int(port))
        asked = (
            f"GET /api/v1/scanner/signals/stream HTTP/1.1\r\nHost: {address}\r\nAuthorization: Token {token}\r\n\r\n"
        )
        writer.write(asked.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode(errors="replace"))
        await reader.readuntil(b"retry: 2000\n\n")
        return reader, writer


async def _read(stream: asyncio.StreamReader, got: Got) -> None:
    while text := await stream.read(READ):
        got.take(text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
