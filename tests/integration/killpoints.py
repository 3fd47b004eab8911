"""Kill a worker's process at a chosen point of a chosen bar's life, without touching the core.

Workers import this through SCANNER_DETECTORS: in the parent, before it forks, so that children inherit the
patches. Scripts call `install()` themselves. A kill is armed by a file in DATA_DIR, named after the point and
the victim, that holds ticker and sequence; the file is removed first, so each kills once, and its absence
shows that the kill took place.
"""

import functools
import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

from celery.signals import task_received
from django.db import transaction
from kombu.transport import virtual

from scanner_app import mailbox
from scanner_app.detectors import Signal, Window
from scanner_app.engine import detection, remaking
from scanner_app.engine import reruns as engine_reruns
from scanner_app.mailbox import at_once, derived, reruns, run, sql, sql_accept
from scanner_app.mailbox.tickets import Ticket
from scanner_app.messaging import publisher, queue_names, redis_client, task_names, transport
from scanner_app.messaging.messages import Message
from scanner_app.workers.requests import HeadRequest


class Point(StrEnum):
    """Where a process may be killed, in the order of a bar's life."""

    ACCEPTED = "accepted"  # its row is committed, its message not published
    PUBLISHED = "published"  # by the one who accepted it, who has not answered yet
    NAMED = "named"  # the worker has its queue's name from the ready list, and not yet its message
    POPPED = "popped"  # taken from its queue, and the broker does not know yet by whom
    RECEIVED = "received"  # the worker has it, no child does
    HANDED = "handed"  # a child has it and has asked nothing yet
    STARTED = "started"  # found to be live, its ticket written
    DETECTING = "detecting"  # within a detector
    COMPUTED = "computed"  # the findings are there, nothing is written
    WRITING = "writing"  # the cursor is moved and the signals are written, but not committed
    DERIVED = "derived"  # the bars of higher timeframes that it ends are numbered and stored too, not committed
    COMMITTED = "committed"  # done, the next head not published
    NEXT_PUBLISHED = "next-published"  # the next head too, this message not acknowledged
    RETURNED = "returned"  # the child is done, the worker has not acknowledged
    # Of a revision and its re-run; of a whole symbol, so the sequence is ANY_BAR.
    REVISING = "revising"  # the new values are written, but not committed
    REVISED = "revised"  # committed, nobody has been told
    LOOKED = "looked"  # the detectors have looked at a chunk again, nothing is written
    STORING = "storing"  # what they found is written, but not committed
    STORED = "stored"  # committed, and the span is still taken
    # The same of derived bars that are made again.
    MADE_AGAIN = "made-again"  # nothing is written
    REMAKING = "remaking"  # written, but not committed
    REMADE = "remade"  # committed


ANY_BAR = 0
"""In place of a sequence."""


class Victim(StrEnum):
    """Who is killed."""

    CHILD = "child"  # the process that gets there
    WORKER = "worker"  # its whole group: parent and children


def arm(folder: Path, point: Point, victim: Victim, ticker: str, sequence: int) -> Path:
    """Let the next process that gets there die."""
    flag = folder / f"kill-{point}-{victim}"
    whole = flag.with_suffix(".new")
    whole.write_text(f"{ticker} {sequence}")
    whole.rename(flag)
    return flag


def reach(point: Point, ticker: str, sequence: int) -> None:
    """Die here if that was asked for this bar."""
    for victim in Victim:
        flag = Path(os.environ["DATA_DIR"]) / f"kill-{point}-{victim}"
        try:
            if flag.read_text() != f"{ticker} {sequence}":
                continue
            flag.unlink()
        except FileNotFoundError:  # nobody asked, or another process was first
            continue
        if victim is Victim.WORKER:
            os.killpg(os.getpgid(0), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, bar_of: Callable[..., tuple[Point, str, int] | None]) -> None:
    """Let `owner.name` reach a point, which `bar_of` takes from its arguments, before it does anything."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def patched(*args: Any, **options: Any) -> Any:
        if there := bar_of(*args, **options):
            reach(*there)
        return original(*args, **options)

    setattr(owner, name, patched)


def after(owner: Any, name: str, bar_of: Callable[..., tuple[Point, str, int] | None]) -> None:
    """The same once it has returned; `bar_of` is given the result before the arguments."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def patched(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        if there := bar_of(result, *args, **options):
            reach(*there)
        return result

    setattr(owner, name, patched)


def install_in_acceptor() -> None:
    """Points of a process that accepts bars; the sequence is that of the head that is published."""
    accept: Any = import_module("scanner_app.mailbox.accept")  # the package has a function of that name
    original = accept.publish

    def publish(deliveries: Any) -> int:
        listed = list(deliveries)
        for message, _, _ in listed:
            reach(Point.ACCEPTED, message.ticker, message.sequence)
        taken: int = original(listed)
        return taken

    accept.publish = publish
    after(publisher, "_send", lambda _, deliveries: _of_delivery(deliveries, Point.PUBLISHED))
    after(sql_accept, "store_numbers", lambda _, rows: (Point.REVISING, rows[0].symbol.ticker, ANY_BAR))
    after(accept.Chunk, "first_heads", lambda _, chunk: (Point.REVISED, next(iter(chunk.rows)), ANY_BAR))


Bar = tuple[Point, str, int]
"""A point, a ticker and a sequence."""


def install_in_worker() -> None:
    """Points of the parent and the children of a worker."""
    before(transport.Channel, "_take", _named)
    before(virtual.Transport, "_deliver", _popped)
    task_received.connect(_received, weak=False)
    before(HeadRequest, "acknowledge", lambda request: _of_request(request, Point.RETURNED))
    before(mailbox, "start", lambda message, **_: (Point.HANDED, message.ticker, message.sequence))
    after(mailbox, "start", _started)
    after(detection, "detect", _of_ticket(Point.COMPUTED))
    after(sql, "insert_signals", _of_ticket(Point.WRITING))
    at_once.complete = _in_a_transaction(at_once.complete)
    after(run, "store_derived", _of_ticket(Point.DERIVED))
    # Publishing after a commit is always the next head's: the one that was committed is before it.
    publish = publisher.publish

    def publish_next(deliveries: Any) -> int:
        listed = list(deliveries)
        for message, _, _ in listed:
            reach(Point.COMMITTED, message.ticker, message.sequence - 1)
        return publish(listed)

    publisher.publish = publish_next
    after(publisher, "_send", lambda _, deliveries: _of_delivery(deliveries, Point.NEXT_PUBLISHED, before=1))
    after(engine_reruns, "_look", _of_span(Point.LOOKED))
    after(reruns, "_go_on", _of_span(Point.STORING))
    after(reruns, "store", _of_span(Point.STORED))
    after(remaking, "_bars_again", _of_span(Point.MADE_AGAIN))
    after(derived, "_accept", lambda _, chunk, ticker, *__: (Point.REMAKING, ticker, ANY_BAR))
    after(derived, "remake", _of_span(Point.REMADE))


def _in_a_transaction(complete: Callable[..., Any]) -> Callable[..., Any]:
    """The one statement of PostgreSQL has no moment between writing and commit, unless a transaction is around it."""

    @functools.wraps(complete)
    def slowly(ticket: Ticket, *args: Any, **options: Any) -> Any:
        with transaction.atomic():
            done = complete(ticket, *args, **options)
            if done is not None:
                reach(Point.WRITING, ticket.message.ticker, ticket.message.sequence)
        return done

    return slowly


def _named(_: Any, queue: str) -> Bar | None:
    """The bar is that of the message which the worker is about to take."""
    message = redis_client.client().lindex(queue, -1)
    return None if message is None else _of_message(json.loads(message), Point.NAMED)


def _popped(_: Any, message: dict[str, Any], _queue: str) -> Bar | None:
    return _of_message(message, Point.POPPED)


def _of_message(message: dict[str, Any], point: Point) -> Bar | None:
    queue = message["properties"]["delivery_info"]["routing_key"]
    task_id = message["headers"].get("id", "")  # a command to the worker has none
    if "symbol." not in queue or task_id.endswith("-control"):
        return None
    return point, queue_names.ticker_of_queue(queue), int(task_id.rsplit("-", 2)[1])


def _received(request: Any, **_: Any) -> None:
    if request.name == task_names.PROCESS_HEAD:
        reach(*_of_request(request, Point.RECEIVED))


def _of_delivery(deliveries: Sequence[Any], point: Point, before: int = 0) -> Bar:
    message, *_ = deliveries[-1]  # armed are calls that publish one
    return point, message.ticker, message.sequence - before


def _of_request(request: Any, point: Point) -> Bar:
    return point, queue_names.ticker_of_queue(request.delivery_info["routing_key"]), request.args[1]


def _of_ticket(point: Point) -> Callable[..., Bar]:
    return lambda _, ticket, *__, **___: (point, ticket.message.ticker, ticket.message.sequence)


def _of_span(point: Point) -> Callable[..., Bar]:
    return lambda _, span, *__, **___: (point, span.symbol.ticker, ANY_BAR)


def _started(ticket: object, message: Message, **_: Any) -> Bar | None:
    return (Point.STARTED, message.ticker, message.sequence) if isinstance(ticket, Ticket) else None


class KillPoints:
    """A detector that finds something in every bar, so that a bar with two results has two signals."""

    name = "kill_points"
    bars_needed = 2

    def detect(self, window: Window) -> Iterator[Signal]:
        """One signal; its strength is the volume of the bar before, in which tests number their bars."""
        reach(Point.DETECTING, window.symbol, int(window.volume[-1]))
        yield Signal(pattern="seen", direction="neutral", strength=float(window.volume[-2] if len(window) > 1 else 0))


if os.environ.get("SCANNER_KILL_POINTS") == "worker":
    install_in_worker()
