"""Nobody consumes the queues of a shard or lane, or does the work of another role."""

from collections.abc import Iterable

from scanner_app.domain.alert_rules.interface import Facts, Finding, Rule, WorkerFacts
from scanner_app.domain.enums import Lane, Severity
from scanner_app.domain.worker_roles import LANE_ROLES


def consumers(lane: str, shard: int, shards: int) -> str:
    """The name of those who should consume a shard of a lane: a subject of this rule."""
    return f"{lane} {shard}/{shards}"


def shards_of(workers: Iterable[WorkerFacts]) -> int:
    """How many shards there are, by what the living workers tell; 1 without any.

    Not by a setting: the process that judges consumes no shard and may have been given none.
    """
    return max((int(worker.shard.partition("/")[2]) for worker in workers if worker.role in LANE_ROLES), default=1)


def find(facts: Facts) -> Iterable[Finding] | None:
    """One finding for each shard of each lane without a living worker. A worker of all symbols counts for every shard.

    The other roles need none here: without the upkeep worker nobody judges, which the status says by itself;
    no_notifier is a rule of its own.
    """
    if not facts.broker.there:
        return None
    shards = shards_of(facts.broker.workers)
    living = {f"{worker.role} {worker.shard}" for worker in facts.broker.workers}
    return [
        Finding(message=f"No living worker consumes {subject} (lane, shard of shards): its bars wait.", subject=subject)
        for lane in Lane
        for shard in range(shards)
        if (subject := consumers(lane, shard, shards)) not in living and f"{lane} 0/1" not in living
    ]


RULE = Rule(
    name="no_worker",
    severity=Severity.ERROR,
    title="no worker",
    find=find,
    for_s=20,  # a worker that is started anew is back in some ten seconds
    clear_s=30,  # time for what has waited to be worked off before anything is said of it
    renew_s=1_800,
)
