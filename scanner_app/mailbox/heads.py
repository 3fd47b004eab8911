"""The head's live message, and publishing it after the commit."""

from datetime import datetime

from django.db import InterfaceError, OperationalError

from scanner_app.domain.enums import Lane, Stage
from scanner_app.mailbox.sql import NextHead, read_next
from scanner_app.messaging.messages import Message
from scanner_app.messaging.publisher import publish_after_commit
from scanner_app.messaging.queue_names import queue_name
from scanner_app.models import SymbolStatus


def next_run_of(message: Message) -> tuple[str, datetime | None]:
    """The queue of the symbol's present lane, which may differ from this message's, and when the head will run."""
    try:
        lane, due = SymbolStatus.objects.values_list("lane", "next_attempt_at").get(symbol_id=message.symbol_id)
    except (OperationalError, InterfaceError):
        lane, due = Lane.MAIN, None  # the failure is already recorded: better a retry in the wrong lane than none
    return queue_name(message.ticker, lane), due


def head_message(row: SymbolStatus) -> Message | None:
    """The message that may run the row's head; None without a head or while nothing may be published."""
    bar = None if row.head is None else read_next(row.symbol_id, row.head)[1]
    return None if bar is None else message_of(row, *bar)


def message_of(row: SymbolStatus, timeframe: str = "", timestamp: datetime | None = None) -> Message:
    """The live message of a row that has a head, whose bar has this timeframe and time.

    Both may be left out where only the task's id or the delivery's identity is asked for.
    """
    if row.head is None:
        raise ValueError(f"{row.symbol.ticker} has no head")
    return Message(
        symbol_id=row.symbol_id,
        ticker=row.symbol.ticker,
        sequence=row.head,
        epoch=row.epoch,
        retries=row.attempts,
        deferrals=row.deferrals,
        control=row.stage == Stage.CONTROL,
        bar="" if timestamp is None else describe_bar(timeframe, timestamp),
    )


def publish_head(row: SymbolStatus) -> None:
    """Publish the row's head, if it has one, after the commit and for the time when it may run."""
    if message := head_message(row):
        publish_after_commit(message, lane=row.lane, due=row.next_attempt_at)


def publish_following(done: Message, next_head: NextHead, bar: tuple[str, datetime] | None) -> None:
    """Publish the head that follows a completed bar, after the commit. It may run at once: the breaker is closed.

    `bar` is the new head's timeframe and time; None while nothing may be published.
    """
    if next_head.head is None or bar is None:
        return
    message = Message(
        symbol_id=done.symbol_id,
        ticker=done.ticker,
        sequence=next_head.head,
        epoch=next_head.epoch,
        retries=0,
        bar=describe_bar(*bar),
    )
    publish_after_commit(message, lane=next_head.lane)


def describe_bar(timeframe: str, timestamp: datetime) -> str:
    """A bar's name for people who look at Flower."""
    return f"{timeframe} {timestamp:%Y-%m-%dT%H:%M:%SZ}"
