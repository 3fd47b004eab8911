"""Which engines are measured, how their workers are started, and what each does not guarantee. No library of theirs."""

from dataclasses import dataclass

from benchmarks.peers.job import SLOTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One engine. Commands are what follows `python -m`; all of them run at the same time."""

    name: str
    module: str  # of this package; described in its docstring
    commands: tuple[str, ...]  # {redis} is the broker's URL
    lacks: str
    settles_s: float  # without a bar done for so long after a kill, what is left will not be done any more
    prepare: str = ""  # run once, before the first bar is sent
    in_memory: bool = False  # bars can be sent to a running process alone


PACKAGE = "benchmarks.peers"

RQ = "-w rq.SimpleWorker --with-scheduler --maintenance-interval 10 --worker-ttl 25 -q"
"""Options of its workers."""

PROCRASTINATE = f"-c {SLOTS // 2} -p 0.1 --delete-jobs successful"
"""Options of its worker."""

PEERS = (
    Peer(
        name="Celery + Redis lock",
        module="celery_lock",
        commands=(
            f"celery -q -A {PACKAGE}.celery_lock worker -c {SLOTS} --without-mingle --without-gossip -l WARNING",
        ),
        lacks="order, place of a retry, once, the bar being delivered, isolation",
        settles_s=100,
    ),
    Peer(
        name="Dramatiq + mutex",
        module="dramatiq_mutex",
        # Its documentation: processes for the cores, threads for waiting
        commands=(f"dramatiq {PACKAGE}.dramatiq_mutex:broker -p {SLOTS // 2} -t 2",),
        lacks="order, place of a retry, once, isolation",
        settles_s=120,
    ),
    Peer(
        name="RQ + depends_on, worker per shard",
        module="rq_dependencies",
        commands=tuple(f"rq.cli worker bars{number} {RQ} -u {{redis}}" for number in range(SLOTS)),
        lacks="once, a chain that survives a lost link, isolation",
        settles_s=150,
    ),
    Peer(
        name="Huey, worker per shard",
        module="huey_shards",
        commands=tuple(
            f"huey.bin.huey_consumer {PACKAGE}.huey_shards.shard_{number} -w 1 -k thread -q" for number in range(SLOTS)
        ),
        lacks="anything after a kill, place of a retry, isolation",
        settles_s=20,
    ),
    Peer(
        name="Procrastinate + lock",
        module="procrastinate_lock",
        prepare=f"procrastinate --app={PACKAGE}.procrastinate_lock.app schema --apply",
        commands=(f"procrastinate --app={PACKAGE}.procrastinate_lock.app worker {PROCRASTINATE}",) * 2,
        lacks="once, time limits",
        settles_s=60,
    ),
    Peer(
        name="asyncio, queue per symbol",
        module="asyncio_queues",
        commands=(f"{PACKAGE}.asyncio_queues",),
        lacks="anything after a kill, isolation from work that computes, a second core",
        settles_s=5,
        in_memory=True,
    ),
)

OURS = "the scanner"
