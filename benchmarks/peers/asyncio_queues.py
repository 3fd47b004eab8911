"""One asyncio process, a queue and a consumer per symbol: the least that keeps order.

As its documentation has it: an `asyncio.Queue` per symbol, one task that works it off, psycopg's asynchronous pool.
Bars come as lines over a unix socket. A failing bar is retried in its place while the other symbols go on.

Not guaranteed
- Anything after a kill: what waits is in memory alone, and the feed does not know what was done.
- More than one core, and isolation from a detector that computes: it stops every symbol.
"""

import asyncio
import json
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from psycopg_pool import AsyncConnectionPool

from benchmarks.peers import job

SOCKET = str(job.folder() / "asyncio.sock")

CONNECT_S = 10.0
"""For the process to listen."""

consumers: dict[str, tuple["asyncio.Queue[job.Bar]", "asyncio.Task[None]"]] = {}


async def consume(queue: "asyncio.Queue[job.Bar]", pool: Any) -> None:
    """One symbol's bars, one after the other."""
    while True:
        await process(await queue.get(), pool)


async def process(bar: job.Bar, pool: Any) -> None:
    """One bar, with its retries; given up after the last."""
    for attempt in range(1, len(job.DELAYS_S) + 2):
        with suppress(Exception):
            async with asyncio.timeout(job.LIMIT_S):
                bar.check(attempt)
                async with pool.connection() as connection:
                    await connection.execute(job.STATEMENT, bar.values)
                return
        if attempt <= len(job.DELAYS_S):
            await asyncio.sleep(job.DELAYS_S[attempt - 1])


async def listen() -> None:
    """Take bars until the process is ended."""
    settings = {"autocommit": True}
    async with AsyncConnectionPool(job.database(), min_size=job.SLOTS, max_size=job.SLOTS, kwargs=settings) as pool:

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                bar = job.Bar.of(json.loads(line))
                if bar.symbol not in consumers:
                    queue: asyncio.Queue[job.Bar] = asyncio.Queue()
                    consumers[bar.symbol] = queue, asyncio.create_task(consume(queue, pool))
                consumers[bar.symbol][0].put_nowait(bar)
            writer.close()

        server = await asyncio.start_unix_server(take, SOCKET)
        await server.serve_forever()


_feed: list[socket.socket] = []


def send(bars: Sequence[job.Bar]) -> None:
    """Hand bars over in this order."""
    if not _feed:
        _feed.append(_connect())
    for bar in bars:
        _feed[0].sendall(json.dumps(bar.message).encode() + b"\n")


def _connect() -> socket.socket:
    deadline = time.monotonic() + CONNECT_S
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(SOCKET)
        except OSError:
            client.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return client


if __name__ == "__main__":
    asyncio.run(listen())
