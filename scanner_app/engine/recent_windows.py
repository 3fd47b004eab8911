"""The long windows of the bars that this process has run last: the next bar of a series reads only what came since.

A rule with `ema('close', 200)` needs a thousand bars. Reading them anew for each bar took more than half of what two
hundred rules cost (SQLite: 2.5 ms a bar). What is remembered is never trusted: it counts only while the symbol has had
no revision since, and if the database still has the window's last bar as it was, processed, and all bars since ascend
from there. Else the window is read as a whole. Only retention may remove bars that a remembered window still has.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from scanner_app.detectors import Window
from scanner_app.domain.bars import VALUES
from scanner_app.engine.detection import bars_needed
from scanner_app.engine.window import load_window, row_of, window_of
from scanner_app.mailbox import sql
from scanner_app.mailbox.tickets import Ticket

LONG = 100
"""Bars of a window that is worth remembering: a shorter one is read as a whole in less time."""

MAX_BARS = 100_000
"""Bars that a process remembers, of all series together: some 5 MB."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A window, and what must still be true for it to count."""

    window: Window
    asked: int  # so many bars were asked for; if it has fewer, the series had no more
    sequence: int  # of its last bar
    values: tuple[Any, ...]  # prices and volume of that bar
    revision: int  # of the symbol's bars when it was read, or before


@dataclass
class Memory:
    """Windows by series. The one that was used longest ago goes first."""

    max_bars: int = MAX_BARS
    _windows: OrderedDict[tuple[int, str], Remembered] = field(default_factory=OrderedDict)
    _bars: int = 0
    _lock: Lock = field(default_factory=Lock)  # a pool of threads shares it

    def take(self, key: tuple[int, str]) -> Remembered | None:
        """What is remembered of a series, which is forgotten."""
        with self._lock:
            return self._forget(key)

    def keep(self, key: tuple[int, str], one: Remembered) -> None:
        """Remember it, in place of what is remembered of the series."""
        with self._lock:
            self._forget(key)
            self._windows[key] = one
            self._bars += len(one.window)
            while self._bars > self.max_bars:
                self._forget(next(iter(self._windows)))

    def _forget(self, key: tuple[int, str]) -> Remembered | None:
        found = self._windows.pop(key, None)
        self._bars -= len(found.window) if found else 0
        return found

    def clear(self) -> None:
        """Forget all: for tests, whose symbols have the same ids."""
        with self._lock:
            self._windows.clear()
            self._bars = 0


memory = Memory()


def load(ticket: Ticket, *, at_least: int = 1) -> Window:
    """The window of a head, as `load_window` reads it."""
    needed = max(bars_needed(), at_least)
    if ticket.late or needed < LONG:
        return load_window(ticket, at_least=at_least)
    key = (ticket.message.symbol_id, ticket.timeframe)
    known = memory.take(key)
    window = _continued(known, ticket, needed) if known else None
    if window is None:
        window = load_window(ticket, at_least=at_least)
    if len(window) >= LONG:  # each costs a kilobyte beside its bars
        values = row_of(ticket)[1:]
        memory.keep(key, Remembered(window, needed, ticket.message.sequence, values, ticket.revision))
    return window


def _continued(known: Remembered, ticket: Ticket, needed: int) -> Window | None:
    """The known window with the bars since and the ticket's; None if it does not count any more."""
    between = ticket.message.sequence - known.sequence
    if known.revision != ticket.revision or known.asked < needed or not 0 < between <= needed:
        return None
    rows = [*sql.bars_since(ticket, known.sequence), row_of(ticket)]
    if rows[0][1:] != known.values:
        return None
    try:
        return _joined(known.window, window_of(ticket.message.ticker, ticket.timeframe, rows), needed)
    except ValueError:  # they do not ascend: one of them was late
        return None


def _joined(known: Window, added: Window, needed: int) -> Window | None:
    """The last `needed` bars of both, of which `added` begins with the last of `known`; None if it does not."""
    import numpy as np  # noqa: PLC0415 - as in window.py

    if added.timestamps[0] != known.timestamps[-1]:
        return None
    columns = {
        name: np.concatenate([getattr(known, name)[:-1], getattr(added, name)])[-needed:]
        for name in ("timestamps", *VALUES)
    }
    return Window.of(symbol=known.symbol, timeframe=known.timeframe, **columns)
