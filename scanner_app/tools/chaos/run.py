"""The run: load and faults, then the wait until all bars are done, then the check."""

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
"""A symbol that has waiting bars and has finished none for so long stands still. One that is only slow does not."""

LAST_BARS_S = 3.0
"""The load goes on for at least so long after the last fault, so that the bars after that fault are checked too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of a run."""

    minutes: float
    seed: int
    rate: float  # bars/s of the steady load
    database: str  # URL of a PostgreSQL server; empty: SQLite
    keep: bool = False  # the folder, also if all is well


@dataclass(slots=True, kw_only=True)
class Result:
    """The result of a run."""

    options: RunOptions
    account: accounts.Account
    faults: dict[str, int]  # by kind: those that hit a process
    restarts: dict[str, int]  # by process
    settled_s: float | None  # from the last fault's end until nothing waited; None: something still did
    standing: list[str]  # symbols that stood still when the time was up
    longest_stall_s: float | None  # of a bar in a quiet time
    longest_wait_s: float  # of any bar, faults or not
    errors: dict[str, int]  # requests without a usable answer
    failures: dict[str, int]  # failed attempts by error
    trouble: list[str]  # answers that should never come
    unproved: dict[str, list[str]]  # by symbol: what `manage.py verify` found
    orphans: int  # processes that outlived their worker
    folder: Path

    @property
    def good(self) -> bool:
        """Whether account and database balance, nothing waits, and no request was refused."""
        return self.account.balances and not self.unproved and self.settled_s is not None and not self.trouble

    def as_json(self) -> dict[str, Any]:
        """All figures, by the names in docs/chaos.md."""
        options, account = self.options, self.account
        return {
            "good": self.good,
            "seed": options.seed,
            "minutes": options.minutes,
            "rate": options.rate,
            "database": "postgresql" if options.database else "sqlite",
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
            "unproved": self.unproved,
            "orphans": self.orphans,
            "examples": {
                name: getattr(account, name)[:10]
                for name in ("lost", "stuck", "doubled", "unseen", "out_of_order", "invented")
                if getattr(account, name)
            },
            "folder": str(self.folder) if self.folder.exists() else None,
        }


def run(options: RunOptions, say: Callable[[str], None]) -> Result:
    """Start a scanner, make the run, stop everything. A bad run keeps folder and database. Raises ChaosError."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    database = OwnDatabase(options.database) if options.database else None
    with ExitStack() as at_the_end:
        stack = Stack(folder, database.url if database is not None else "")
        at_the_end.callback(stack.down)
        say(f"a scanner starts in {folder}")
        stack.up()
        result = _Run(options, stack, database, say).make()
    if result.good and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
        if database is not None:
            database.drop()
    return result


class _Run:
    """One run on a scanner that is ready."""

    def __init__(
        self, options: RunOptions, stack: Stack, database: OwnDatabase | None, say: Callable[[str], None]
    ) -> None:
        self._options = options
        self._stack = stack
        self._say = say
        self._log = Log(stack.folder / "answers.jsonl")
        self._over = threading.Event()
        self._faults = Faults(stack, database, options.seed, self._post_added)
        self._adder = self._poster(CLIENTS)
        self._added_rounds = 0
        self._reader = Reader(stack.url, stack.token)
        self._struck: Counter[str] = Counter()
        self._spans: list[tuple[float, float]] = []  # of the faults, in seconds after the beginning
        self._began_at = 0.0  # unix s

    def make(self) -> Result:
        """Load and faults, then the wait until all bars are done, then the check."""
        feeds = self._feeds()
        self._began_at = time.time()
        for feed in feeds:
            feed.start()
        self._strike_all()
        last_fault_at = time.time()
        # The load goes on until the requested time is over; in that time the scanner recovers from the last faults.
        time.sleep(max(LAST_BARS_S, self._options.minutes * 60 - self._now_s()))
        self._over.set()
        for feed in feeds:
            feed.join()
        loaded_s = self._now_s()
        settled_s, standing = self._settle(last_fault_at)
        return self._result(loaded_s, settled_s, standing)

    def _feeds(self) -> list[Feed]:
        symbols = [f"CHAOS{index:02}" for index in range(SYMBOLS)]
        round_s = SYMBOLS / self._options.rate
        return [
            Feed(self._poster(client), symbols[client::CLIENTS], round_s=round_s, over=self._over)
            for client in range(CLIENTS)
        ]

    def _poster(self, client: int) -> Poster:
        return Poster(self._stack.url, self._stack.token, self._log, self._options.seed * 100 + client)

    def _post_added(self) -> None:
        """Post a bar of each added symbol. The first call adds the symbols."""
        self._added_rounds += 1
        self._adder.post([(f"ADDED{index:03}", self._added_rounds) for index in range(ADDED)])

    def _strike_all(self) -> None:
        for fault in plan.make(self._options.seed, self._options.minutes * 60):
            time.sleep(max(0.0, fault.at_s - self._now_s()))
            begin = self._now_s()
            struck = self._faults.strike(fault)
            self._spans.append((begin, self._now_s()))
            self._struck[fault.kind] += struck
            whom = f" of worker {fault.worker}" if fault.worker else ""
            self._say(f"{begin:6.1f} s  {fault.kind}{whom}{'' if struck else ': no process to hit'}")

    def _settle(self, last_fault_at: float) -> tuple[float | None, list[str]]:
        """Wait until no bar waits.

        Returns how long that took after the last fault, None if too long; and then the symbols that stood still.
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
            options=self._options,
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
            unproved=self._stack.verify(),
            orphans=len(self._stack.leftovers()),
            folder=self._stack.folder,
        )

    def _now_s(self) -> float:
        return time.time() - self._began_at
