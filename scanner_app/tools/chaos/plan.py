"""Which fault happens when: a pure function of the seed."""

import random
from dataclasses import dataclass
from enum import StrEnum

from scanner_app.domain.worker_roles import Role

QUIET_S = 20.0
"""Seconds without faults after every kind has happened: long enough to show a stall of undisturbed symbols."""

FIRST_S = 5.0
"""Seconds of undisturbed load before the first fault."""

GAPS_S = (0.5, 5.0)
"""From the end of a fault to the next one, in seconds. In a short gap the scanner has not recovered from the last."""

SETTLE_S = 60.0
"""Seconds after the last fault within which all bars must be finished."""


class Kind(StrEnum):
    """The faults. All kills are kill -9."""

    KILL_CHILD = "kill_child"  # a pool child of a worker
    KILL_PARENT = "kill_parent"  # a worker's parent process alone: its children are left
    KILL_WORKER = "kill_worker"  # a worker with its children
    KILL_BEAT = "kill_beat"
    KILL_WEB = "kill_web"  # in the middle of requests
    STOP_BROKER = "stop_broker"  # SIGTERM; started again after some seconds
    KILL_BROKER = "kill_broker"
    EMPTY_BROKER = "empty_broker"  # FLUSHALL
    DROP_CONNECTIONS = "drop_connections"  # the broker's, several times within three seconds, 200 queues added
    CUT_DATABASE = "cut_database"  # PostgreSQL: all connections; SQLite: the write lock, held for some seconds


WORKERS = (Role.MAIN, Role.MAIN, Role.MAIN, Role.SLOW, Role.UPKEEP)
"""The workers that a fault may hit. The main worker is the most likely one, since it does most of the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: when it begins and how long it lasts (s), which worker it hits, and how often."""

    at_s: float
    kind: Kind
    lasts_s: float = 0.0
    worker: str = ""
    times: int = 1

    @property
    def ends_s(self) -> float:
        """When it is over and the scanner can recover (s)."""
        return self.at_s + self.lasts_s


def make(seed: int, seconds: float) -> tuple[Fault, ...]:
    """Faults for `seconds`, in random order: every kind once, a quiet time, every kind again, and so on.

    None for less than FIRST_S. The same seed and time give the same plan.
    """
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    faults: list[Fault] = []
    at_s = FIRST_S
    while True:
        for kind in dice.sample(list(Kind), len(Kind)):
            fault = _fault(kind, round(at_s, 1), dice)
            if fault.ends_s > seconds:
                return tuple(faults)
            faults.append(fault)
            at_s = fault.ends_s + dice.uniform(*GAPS_S)
        at_s += QUIET_S


def _fault(kind: Kind, at_s: float, dice: random.Random) -> Fault:
    match kind:
        case Kind.KILL_CHILD:
            return Fault(at_s=at_s, kind=kind, worker=dice.choice(WORKERS), times=dice.randint(1, 3))
        case Kind.KILL_PARENT | Kind.KILL_WORKER:
            return Fault(at_s=at_s, kind=kind, worker=dice.choice(WORKERS))
        case Kind.STOP_BROKER | Kind.KILL_BROKER:
            return Fault(at_s=at_s, kind=kind, lasts_s=round(dice.uniform(0.2, 5), 1))
        case Kind.DROP_CONNECTIONS:
            return Fault(at_s=at_s, kind=kind, lasts_s=3, times=dice.randint(3, 6))
        case Kind.CUT_DATABASE:
            return Fault(at_s=at_s, kind=kind, lasts_s=round(dice.uniform(1, 4), 1))
    return Fault(at_s=at_s, kind=kind)


def quiet_times(spans: list[tuple[float, float]], end_s: float, *, after_s: float = 10.0) -> list[tuple[float, float]]:
    """The times without faults, from `after_s` after a fault's end until the next begins; the start counts too.

    `spans` are the faults' beginnings and ends, ascending; the last quiet time ends at `end_s`.
    """
    quiet = []
    begin = 0.0
    for fault_begins, fault_ends in [*spans, (end_s, end_s)]:
        if fault_begins > begin:
            quiet.append((begin, fault_begins))
        begin = max(begin, fault_ends + after_s)
    return quiet
