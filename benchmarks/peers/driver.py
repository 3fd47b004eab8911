"""Order per symbol, retry and status in PostgreSQL, by six other engines and by the scanner, in one run.

Each turn has a database and a broker of its own: a backlog of 20 symbols is drained, then bars come at 100 a second,
spread evenly. The engines take turns for some rounds. Then, once for each: bars that fail twice among others of their
symbol, and a drain in which all workers are killed (-9) again and again and started again.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import tables
from benchmarks.load import EDGES, percentiles, store
from benchmarks.peers import catalogue
from benchmarks.peers.engines import PYTHON, Done, Engine, Ours, PeerEngine
from benchmarks.peers.feed import Plan
from scanner_app.tools.chaos.stack import OwnDatabase

SYMBOLS = 20
BACKLOG = 2_000
RATE = 100.0
SECONDS = 12.0

WARM = 200
"""Bars of the steady feed that are left out of its latencies: processes start."""

KILLS = 5
"""In one drain: with four bars under way each time, one kill alone would prove little."""

KILL_PATIENCE_S = 10.0
"""For the next part of the backlog, until the next kill comes all the same."""

SICK = 4
"""Symbols of which a bar fails."""

SICK_BARS = 20

FAILURES = 2
"""Of that bar, in a row: two retries, and no breaker opens."""

PATIENCE_S = 300.0
"""For a backlog, or what is left of a steady feed. An engine that needs longer ends the run."""

LOOK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of bars, counted from the database."""

    lost: int  # not done, and not going to be
    doubled: int
    out_of_order: int  # done after a later bar of their symbol

    @classmethod
    def of(cls, engine: Engine, plan: Plan) -> "Account":
        """The account of a plan that has all bars of its symbols."""
        done = engine.done(plan.symbols)
        return cls(
            lost=plan.bars - len({(each.symbol, each.number) for each in done}),
            doubled=engine.doubled(plan.symbols),
            out_of_order=overtaken(done),
        )


def overtaken(done: Iterable[Done]) -> int:
    """Bars that were first done when a later bar of their symbol already had been; `done` is by symbol and position."""
    newest: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    count = 0
    for each in done:
        if (each.symbol, each.number) not in seen:
            seen.add((each.symbol, each.number))
            count += each.number < newest.get(each.symbol, 0)
            newest[each.symbol] = max(each.number, newest.get(each.symbol, 0))
    return count


def run(*, rounds: int, database: str, results: Path) -> None:
    """Measure; print and store the medians. `database`: a PostgreSQL where databases may be made; "": the tests'."""
    if not PYTHON.exists():
        raise SystemExit("The peers are not installed. `make bench` installs them into .venv-bench.")
    if not database:
        from tests.servers import postgresql_url  # noqa: PLC0415 - started where none is given

        database = postgresql_url()
    makers: dict[str, Callable[[Path, str], Engine]] = {catalogue.OURS: Ours}
    makers |= {peer.name: partial(PeerEngine, peer) for peer in catalogue.PEERS}
    lacks = {catalogue.OURS: "-"} | {peer.name: peer.lacks for peer in catalogue.PEERS}
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in makers}
    for number in range(rounds):
        for name, make in makers.items():
            with _turn(make, database, f"round {number + 1} of {rounds}: {name}") as engine:
                figures[name].append(_drain(engine) | _steady(engine))
    kills = {}
    for name, make in makers.items():
        with _turn(make, database, f"failures and kills: {name}") as engine:
            kills[name] = {"retry": asdict(_retry(engine)), **_kill(engine)}
    rows = [_row(name, figures[name], kills[name], lacks[name]) for name in makers]
    store(results, "peers", rows, database="postgresql")
    load = f"Backlog of {BACKLOG:,} bars, then {RATE:g} bars/s; {SYMBOLS} symbols"
    print(f"\n{load}\n\n{tables.peers(rows)}")  # noqa: T201
    faults = f"{SICK} bars that fail twice; a drain with {KILLS} kills of all workers"
    print(f"\n{faults}\n\n{tables.peers_faults(rows)}")  # noqa: T201


@contextmanager
def _turn(make: Callable[[Path, str], Engine], server: str, what: str) -> Iterator[Engine]:
    """An engine that is up, without its workers."""
    print(what, flush=True)  # noqa: T201
    own = OwnDatabase(server)
    try:
        with TemporaryDirectory(prefix="peers-") as folder:
            engine = make(Path(folder), own.url)
            try:
                engine.up()
                yield engine
            finally:
                engine.down()
    finally:
        own.drop()


def _plan(kind: str, symbols: int = SYMBOLS, **options: Any) -> Plan:
    return Plan(symbols=[f"{kind}{number:02d}" for number in range(1, symbols + 1)], **options)


def _backlog(engine: Engine, plan: Plan) -> None:
    """Have the bars wait, then the workers run."""
    if engine.in_memory:
        engine.run()
        engine.feed(plan)
    else:
        engine.feed(plan)
        engine.run()


def _drain(engine: Engine) -> dict[str, float]:
    """Bars/s over the middle of a backlog."""
    plan = _plan("DRAIN", bars=BACKLOG)
    _backlog(engine, plan)
    _wait(engine, plan.symbols, BACKLOG)
    done = engine.done(plan.symbols)
    times = sorted(each.finished_at for each in done)
    low, high = (times[round(edge * (len(times) - 1))] for edge in EDGES)
    rate = (EDGES[1] - EDGES[0]) * len(times) / (high - low).total_seconds()
    return {"bars_per_second": round(rate, 1), "out_of_order": overtaken(done)}


def _steady(engine: Engine) -> dict[str, float]:
    """Latencies at a steady rate, from acceptance to the result; the workers run already."""
    plan = _plan("EVEN", bars=round(RATE * SECONDS), rate=RATE)
    late_s = engine.feed(plan)
    _wait(engine, plan.symbols, plan.bars)
    done = sorted(engine.done(plan.symbols), key=lambda each: each.accepted_at)
    latencies = [(each.finished_at - each.accepted_at).total_seconds() for each in done[WARM:]]
    return percentiles(latencies) | {"feed_late_s": round(late_s, 3)}


def _retry(engine: Engine) -> Account:
    """A bar of some symbols fails twice while later ones of its symbol wait."""
    first = _plan("SICK", SICK, bars=SICK)
    engine.run()
    engine.feed(first)
    _wait(engine, first.symbols, first.bars)
    engine.expect_failures(first.symbols, FAILURES)
    engine.feed(_plan("SICK", SICK, bars=SICK * (SICK_BARS - 1), first=2, fails={"2": FAILURES}))
    _wait(engine, first.symbols, SICK * SICK_BARS)
    engine.halt()
    return Account.of(engine, _plan("SICK", SICK, bars=SICK * SICK_BARS))


def _kill(engine: Engine) -> dict[str, Any]:
    """A backlog is drained while all workers are killed again and again; what became of it, and how long it took."""
    plan = _plan("KILL", bars=BACKLOG)
    _backlog(engine, plan)
    for number in range(KILLS):
        _wait(engine, plan.symbols, (number + 1) * BACKLOG // (KILLS + 1), patience_s=KILL_PATIENCE_S)
        engine.kill()
    killed_at = time.time()
    _settle(engine, plan)
    last = max(each.finished_at.timestamp() for each in engine.done(plan.symbols))
    return {"kill": asdict(Account.of(engine, plan)), "done_after_s": round(max(0.0, last - killed_at), 1)}


def _wait(engine: Engine, symbols: Sequence[str], count: int, *, patience_s: float = 0.0) -> None:
    """Return once so many different bars are done, or after the patience; without one, raise TimeoutError instead."""
    deadline = time.monotonic() + (patience_s or PATIENCE_S)
    while (found := engine.count(symbols)) < count:
        if time.monotonic() > deadline:
            if patience_s:
                return
            raise TimeoutError(f"{engine.name}: {found} of {count} bars are done after {PATIENCE_S:g} s")
        time.sleep(LOOK_S)


def _settle(engine: Engine, plan: Plan) -> None:
    """Return once all is done, or nothing has been done for as long as the engine may take to notice a dead worker."""
    found, since = -1, time.monotonic()
    while found < plan.bars and time.monotonic() - since < engine.settles_s:
        if (now := engine.count(plan.symbols)) != found:
            found, since = now, time.monotonic()
        time.sleep(LOOK_S)


def _row(name: str, rounds: Sequence[dict[str, float]], killed: dict[str, Any], lacks: str) -> dict[str, Any]:
    medians = {figure: median(each[figure] for each in rounds) for figure in rounds[0]}
    return {
        "peer": name,
        **medians,
        "rounds": list(rounds),
        "retry_out_of_order": killed["retry"]["out_of_order"],
        **{f"kill_{kind}": number for kind, number in killed["kill"].items()},
        "done_after_s": killed["done_after_s"],
        "lacks": lacks,
    }
