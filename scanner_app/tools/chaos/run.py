"""The run: load, faults, peace, account."""

import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner_app.tools.chaos import account as accounts
from scanner_app.tools.chaos import plan
from scanner_app.tools.chaos.faults import Faults
from scanner_app.tools.chaos.load import Feed, Log, Poster, Reader
from scanner_app.tools.chaos.stack import OwnDatabase, Stack

SYMBOLS = 20
ADDED = 200
CLIENTS = 4

STANDS_STILL_S = 15.0
"""A symbol that waits and has done nothing for so long stands still; one that is only slow does not."""

LAST_BARS_S = 3.0
"""Load goes on for so long after the last fault: what was struck must work for those too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for."""

    minutes: float
    seed: int
    rate: float  # bars/s of the steady load
    database: str  # URL of a PostgreSQL server; empty: SQLite
    keep: bool = False  # the folder, also if all is well


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of it."""

    order: Order
    account: accounts.Account
    faults: dict[str, int]  # by kind: those that struck somebody
    restarts: dict[str, int]  # by process
    settled_s: float | None  # from the last fault's end until nothing waited; None: something still did
    standing: list[str]  # symbols that stood still when the time was up
    longest_stall_s: float | None  # of a bar in a quiet time
    longest_wait_s: float  # of any bar, faults or not
    errors: dict[str, int]  # requests without an answer of use
    failures: dict[str, int]  # failed attempts by error
    trouble: list[str]  # answers that should never come
    orphans: int  # processes that outlived their worker
    folder: Path

    @property
    def good(self) -> bool:
        """Whether the account balances, nothing waits, and no request was refused."""
        return self.account.balances and self.settled_s is not None and not self.trouble

    def as_json(self) -> dict[str, Any]:
        """Everything, by name."""
        order, account = self.order, self.account
        return {
            "good": self.good,
            "seed": order.seed,
            "minutes": order.minutes,
            "rate": order.rate,
            "database": "postgresql" if order.database else "sqlite",
            **accounts.by_kind(account),
            "settled_s": self.settled_s,
            "standing": self.standing,
            "longest_stall_s": self.longest_stall_s,
            "longest_wait_s": self.longest_wait_s,
            "faults": self.faults,
            "restarts": self.restarts,
            "request_errors": self.errors,
            "failures": self.failures,
            "trouble": self.trouble[:10],
            "orphans": self.orphans,
            "examples": {
                name: getattr(account, name)[:10]
                for name in ("lost", "stuck", "doubled", "unseen", "out_of_order", "invented")
                if getattr(account, name)
            },
            "folder": str(self.folder) if self.folder.exists() else None,
        }


def run(order: Order, say: Callable[[str], None]) -> Result:
    """Make a run from nothing. A bad run leaves folder and database. Raises ChaosError if it has no verdict."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    database = OwnDatabase(order.database) if order.database else None
    with ExitStack() as at_the_end:
        stack = Stack(folder, database.url if database is not None else "")
        at_the_end.callback(stack.down)
        say(f"a scanner starts in {folder}")
        stack.up()
        result = _Run(order, stack, database, say).make()
    if result.good and not order.keep:
        shutil.rmtree(folder, ignore_errors=True)
        if database is not None:
            database.drop()
    return result


class _Run:
    """One run on a stack that is up."""

    def __init__(self, order: Order, stack: Stack, database: OwnDatabase | None, say: Callable[[str], None]) -> None:
        self._order = order
        self._stack = stack
        self._say = say
        self._log = Log(stack.folder / "answers.jsonl")
        self._over = threading.Event()
        self._faults = Faults(stack, database, order.seed, self._post_added)
        self._adder = self._poster(CLIENTS)
        self._added_rounds = 0
        self._reader = Reader(stack.url, stack.token)
        self._struck: Counter[str] = Counter()
        self._spans: list[tuple[float, float]] = []  # of the faults, in seconds after the beginning
        self._began_at = 0.0  # unix s

    def make(self) -> Result:
        """Load, faults, peace, account."""
        feeds = self._feeds()
        self._began_at = time.time()
        for feed in feeds:
            feed.start()
        self._strike_all()
        last_fault_at = time.time()
        # The load goes on to the end of the time asked for, in which the last faults are mended.
        time.sleep(max(LAST_BARS_S, self._order.minutes * 60 - self._now_s()))
        self._over.set()
        for feed in feeds:
            feed.join()
        loaded_s = self._now_s()
        settled_s, standing = self._settle(last_fault_at)
        return self._result(loaded_s, settled_s, standing)

    def _feeds(self) -> list[Feed]:
        symbols = [f"CHAOS{index:02}" for index in range(SYMBOLS)]
        round_s = SYMBOLS / self._order.rate
        return [
            Feed(self._poster(client), symbols[client::CLIENTS], round_s=round_s, over=self._over)
            for client in range(CLIENTS)
        ]

    def _poster(self, client: int) -> Poster:
        return Poster(self._stack.url, self._stack.token, self._log, self._order.seed * 100 + client)

    def _post_added(self) -> None:
        """A bar for each of the added symbols; the first time, these are what adds them."""
        self._added_rounds += 1
        self._adder.post([(f"ADDED{index:03}", self._added_rounds) for index in range(ADDED)])

    def _strike_all(self) -> None:
        for fault in plan.make(self._order.seed, self._order.minutes * 60):
            time.sleep(max(0.0, fault.at_s - self._now_s()))
            begin = self._now_s()
            struck = self._faults.strike(fault)
            self._spans.append((begin, self._now_s()))
            self._struck[fault.kind] += struck
            whom = f" of worker {fault.worker}" if fault.worker else ""
            self._say(f"{begin:6.1f} s  {fault.kind}{whom}{'' if struck else ': nobody there'}")

    def _settle(self, last_fault_at: float) -> tuple[float | None, list[str]]:
        """Wait until nothing waits. Returns how long that was after the last fault, None if too long.

        And then the symbols that were not just slow, but stood still.
        """
        moved_at: dict[tuple[str, int], float] = {}  # symbol and bars processed -> first seen (unix s)
        while True:
            waiting = self._reader.waiting()
            now = time.time()
            passed_s = now - last_fault_at
            if waiting == {}:
                self._say(f"nothing waits {passed_s:.1f} s after the last fault")
                return round(passed_s, 1), []
            for item in (waiting or {}).items():
                moved_at.setdefault(item, now)
            if passed_s > plan.SETTLE_S:
                standing = [
                    name for name, done in (waiting or {}).items() if now - moved_at[name, done] > STANDS_STILL_S
                ]
                self._say(f"{len(waiting or {})} symbols still wait {passed_s:.1f} s after the last fault")
                return None, sorted(standing)
            time.sleep(0.5)

    def _result(self, loaded_s: float, settled_s: float | None, standing: list[str]) -> Result:
        self._log.close()
        counted = {symbol["symbol"]: symbol["bars_processed"] for symbol in self._reader.status()}
        bars = self._reader.bars()
        account = accounts.evaluate(self._log.entries, bars, self._reader.signals(), counted)
        waits = [(bar.finished_at - bar.accepted_at).total_seconds() for bar in bars if bar.finished_at is not None]
        stall_s = accounts.longest_stall(bars, plan.quiet_times(self._spans, loaded_s), self._began_at)
        return Result(
            order=self._order,
            account=account,
            faults={kind.value: self._struck[kind] for kind in plan.Kind},
            restarts=dict(sorted(self._stack.restarts.items())),
            settled_s=settled_s,
            standing=standing,
            longest_stall_s=None if stall_s is None else round(stall_s, 2),
            longest_wait_s=round(max(waits, default=0.0), 1),
            errors=self._log.errors,
            failures=self._reader.failures(),
            trouble=self._log.trouble,
            orphans=len(self._stack.leftovers()),
            folder=self._stack.folder,
        )

    def _now_s(self) -> float:
        return time.time() - self._began_at
